// The body of a request, inflated where it comes compressed, and counted as it comes.

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
  // How a body may be compressed.
  enum class Encoding { kNone, kZlib };

  // What the field Content-Encoding says, without regard to case; nothing for what is not
  // understood.
  static std::optional<Encoding> EncodingOf(std::string_view field);

  // Neither what comes nor what it inflates to may be longer than `max_bytes`. `announced_bytes` is
  // how much will come, 0 where that is not known.
  BodyReader(Encoding encoding, size_t max_bytes, size_t announced_bytes);
  ~BodyReader();
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;

  // At most so much is added to the body by one call.
  static constexpr size_t kMaxStepBytes = size_t{64} << 10;

  // Takes from the front of `piece` what one step can.
  // REQUIRES: the piece is not empty, or has_pending(); and state() is kGood.
  void Take(std::string_view& piece);

  // Whether what was taken inflates to more than the last step could add.
  bool has_pending() const { return has_pending_; }

  enum class State { kGood, kTooLong, kMalformed };
  State state() const { return state_; }

  // Call at the end: whether a compressed body is whole.
  bool IsWhole() const;

  // At most the memory that the body takes until it is answered, as parsed too.
  size_t cost_bytes() const;

  // What there is of the body. Leaves nothing behind.
  std::string TakeBody() { return std::move(body_); }

 private:
  struct Inflater;

  void Append(std::string_view bytes);
  void Inflate(std::string_view& piece);

  const size_t max_bytes_;
  const size_t announced_bytes_;
  const std::unique_ptr<Inflater> inflater_;  // Null where the body comes as it is.
  size_t raw_bytes_ = 0;                      // Taken.
  bool has_pending_ = false;
  State state_ = State::kGood;
  std::string body_;
  JsonCost cost_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_BODY_READER_H_
