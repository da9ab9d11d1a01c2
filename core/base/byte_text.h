// Bytes kept as text, as file formats need: a std::string collects them, a span looks at them.

#ifndef FRESHET_CORE_BASE_BYTE_TEXT_H_
#define FRESHET_CORE_BASE_BYTE_TEXT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace freshet {

// The same memory seen as bytes, and as text.
inline std::span<const std::byte> BytesOfText(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string_view TextOfBytes(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Appends the bytes of `number` as they are in memory. The type is always named, since it decides
// how many bytes a format gets: AppendNumber<uint32_t>(count, text).
template <typename Number>
requires std::is_arithmetic_v<Number>
void AppendNumber(std::type_identity_t<Number> number, std::string& text) {
  text += TextOfBytes(std::as_bytes(std::span<const Number, 1>(&number, 1)));
}

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_BYTE_TEXT_H_
