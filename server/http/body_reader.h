// Reads the body of a request piece by piece: decompresses it, and tracks the memory it will need.

#ifndef FRESHET_SERVER_HTTP_BODY_READER_H_
#define FRESHET_SERVER_HTTP_BODY_READER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/http/json_cost.h"

namespace freshet {

// Not thread-safe.
class BodyReader {
 public:
  // How a body is compressed.
  enum class Encoding { kNone, kZlib };

  // Parses the value of Content-Encoding, ignoring case; nullopt if it is not supported.
  static std::optional<Encoding> EncodingOf(std::string_view field);

  // Neither the received nor the decompressed body may be longer than `max_bytes`.
  // `announced_bytes` is the announced length of the body, or 0 if it is unknown.
  BodyReader(Encoding encoding, size_t max_bytes, size_t announced_bytes);
  ~BodyReader();
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;

  // One call of Take() adds at most this much to the body.
  static constexpr size_t kMaxStepBytes = size_t{64} << 10;

  // Consumes the front of `piece`, as much as one step can.
  // REQUIRES: the piece is not empty, or has_pending(); and state() is kGood.
  void Take(std::string_view& piece);

  // Whether the decompressor holds more output than the last step could add.
  bool has_pending() const { return has_pending_; }

  enum class State { kGood, kTooLong, kMalformed };
  State state() const { return state_; }

  // Call at the end of the input: whether the body is valid and, if compressed, complete.
  bool IsWhole() const;

  // Upper bound of the memory that the body takes until the request is answered, including its
  // parsed form.
  size_t cost_bytes() const;

  // The body read so far. Leaves the reader's copy empty.
  std::string TakeBody() { return std::move(body_); }

 private:
  struct Inflater;

  void Append(std::string_view bytes);
  void Inflate(std::string_view& piece);

  const size_t max_bytes_;
  const size_t announced_bytes_;
  const std::unique_ptr<Inflater> inflater_;  // Null if the body is not compressed.
  size_t raw_bytes_ = 0;                      // Bytes consumed.
  bool has_pending_ = false;
  State state_ = State::kGood;
  std::string body_;
  JsonCost cost_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_BODY_READER_H_
