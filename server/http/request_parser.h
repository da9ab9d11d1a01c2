// The syntax of HTTP/1.1, as Boost.Beast reads it, made stricter where readers are known to differ.

#ifndef FRESHET_SERVER_HTTP_REQUEST_PARSER_H_
#define FRESHET_SERVER_HTTP_REQUEST_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/http_message.h"

namespace freshet {

struct RequestHead {
  HttpRequest request;          // Without its body, and without what only the connection knows.
  bool is_head = false;         // The method is HEAD; the request then says GET.
  bool keep_alive = false;      // The client takes another answer on this connection.
  bool is_version_1_0 = false;  // Of HTTP; else it is 1.1.
  bool has_body = false;        // Some bytes follow, as a length or in chunks.
  std::optional<uint64_t> content_length = {};
  bool expects_continue = false;  // It sends its body once it is told to.
};

// Why a request cannot be understood; whatever follows on its connection cannot be either.
struct ParseFault {
  int status = 400;    // Of HTTP.
  std::string reason;  // One sentence, without a full stop.
};

// Reads one request from bytes as they come. What two readers could take for two different requests
// is refused: a length given twice or beside chunks, encodings of the transfer other than chunks, a
// second Host. Not thread-safe.
class RequestParser {
 public:
  explicit RequestParser(size_t max_head_bytes);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Reads on in the head. `input` is all that has come and was not taken yet; returns how many
  // bytes of it are taken. Where the head is not whole afterwards, call again with more. REQUIRES:
  // the head is not whole, and there is no fault.
  size_t ReadHead(std::string_view input);

  // Reads on in the body; as ReadHead(). Sets `piece` to the next bytes of the body, part of
  // `input`; empty where there are none yet. Trailing fields are dropped. REQUIRES: the head is
  // whole, the body is not, and there is no fault.
  size_t ReadBody(std::string_view input, std::string_view& piece);

  // Null until the head is whole.
  RequestHead* head();
  // The whole request was read.
  bool is_done() const;
  // Whether anything of a request was taken.
  bool has_begun() const;
  const std::optional<ParseFault>& fault() const;

 private:
  class Impl;  // Keeps Boost out of this header.

  const std::unique_ptr<Impl> impl_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_PARSER_H_
