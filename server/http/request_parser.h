// A parser of HTTP/1.1 requests, based on Boost.Beast, but stricter where parsers are known to
// differ.

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

// The head of a request.
struct RequestHead {
  HttpRequest request;          // Without the body and the fields that the connection sets.
  bool is_head = false;         // The method is HEAD; the request then says GET.
  bool keep_alive = false;      // The client may send another request on this connection.
  bool is_version_1_0 = false;  // HTTP/1.0; otherwise HTTP/1.1.
  bool has_body = false;        // A body follows, with a length or in chunks.
  std::optional<uint64_t> content_length = {};
  bool expects_continue = false;  // The client sends the body once it is told to.
};

// Why a request cannot be parsed. What follows on its connection cannot be parsed either.
struct ParseFault {
  int status = 400;    // HTTP status.
  std::string reason;  // One sentence, without a full stop.
};

// Parses one request from bytes as they come. Refuses input that two parsers could read as
// different requests (request smuggling): a length given twice or together with chunks, transfer
// encodings other than chunked, a second Host. Not thread-safe.
class RequestParser {
 public:
  explicit RequestParser(size_t max_head_bytes);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Continues to parse the head. `input` is all bytes that have come and are not consumed yet;
  // returns how many of them are consumed now. If the head is not complete afterwards, call again
  // with more input. REQUIRES: the head is not complete, and there is no fault.
  size_t ReadHead(std::string_view input);

  // Continues to parse the body, in the same way. Sets `piece` to the next bytes of the body, which
  // are a part of `input`; empty if there are none yet. Trailer fields are dropped. REQUIRES: the
  // head is complete, the body is not, and there is no fault.
  size_t ReadBody(std::string_view input, std::string_view& piece);

  // Null until the head is complete.
  RequestHead* head();
  // Whether the whole request has been parsed.
  bool is_done() const;
  // Whether any part of a request has been consumed.
  bool has_begun() const;
  const std::optional<ParseFault>& fault() const;

 private:
  class Impl;  // Keeps Boost out of this header.

  const std::unique_ptr<Impl> impl_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_PARSER_H_
