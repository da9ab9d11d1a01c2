// Text that Protobuf takes as a string.

#ifndef FRESHET_CORE_BASE_UTF8_H_
#define FRESHET_CORE_BASE_UTF8_H_

#include <cstddef>
#include <string_view>

namespace freshet {

// Whether `text` is well-formed UTF-8: shortest forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// How many bytes `text` has before the first that is not part of a well-formed character; all of
// them where IsUtf8(text).
size_t Utf8Size(std::string_view text);

// The longest beginning of at most `max_bytes` bytes that does not end within a character.
// REQUIRES: IsUtf8(text).
std::string_view Utf8Prefix(std::string_view text, size_t max_bytes);

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_UTF8_H_
