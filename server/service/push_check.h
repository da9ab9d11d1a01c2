// How far the check of a pushed message has come.

#ifndef FRESHET_SERVER_SERVICE_PUSH_CHECK_H_
#define FRESHET_SERVER_SERVICE_PUSH_CHECK_H_

#include <cstddef>

namespace freshet {

enum class PushCheck {
  kUnfinished,  // Call it again.
  kBad,         // The message is refused; the error of the response says why.
  kGood,
};

// Larger messages take milliseconds to parse and check. Text takes longer than columns.
inline constexpr size_t kLongPackedBytes = size_t{1} << 20;
inline constexpr size_t kLongReadableBytes = size_t{256} << 10;

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_PUSH_CHECK_H_
