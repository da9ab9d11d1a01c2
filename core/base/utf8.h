// Checks for UTF-8, the only text that Protobuf accepts as a string.

#ifndef FRESHET_CORE_BASE_UTF8_H_
#define FRESHET_CORE_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace freshet {

// Whether all bytes of `text` are below 0x80. Checks eight bytes at a time.
inline bool IsAscii(std::string_view text) {
  constexpr size_t kWordBytes = sizeof(uint64_t);
  constexpr uint64_t kHighBits = 0x8080808080808080U;
  const auto word_at = [&text](size_t i) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, kWordBytes);
    return word;
  };
  uint64_t bits = 0;
  if (text.size() < kWordBytes) {
    for (const char c : text) bits |= static_cast<unsigned char>(c);
  } else {
    const size_t last_word = text.size() - kWordBytes;
    for (size_t i = 0; i < last_word; i += kWordBytes) bits |= word_at(i);
    bits |= word_at(last_word);  // May overlap the one before.
  }
  return (bits & kHighBits) == 0;
}

// Whether `text` is well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// The number of bytes before the first one that is not part of a well-formed character; text.size()
// if IsUtf8(text).
size_t Utf8Size(std::string_view text);

// The longest prefix of at most `max_bytes` bytes that does not end within a character.
// REQUIRES: IsUtf8(text).
std::string_view Utf8Prefix(std::string_view text, size_t max_bytes);

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_UTF8_H_
