#include "core/base/utf8.h"

namespace freshet {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The length in bytes of the character that `text` begins with, or 0 if it is not well-formed.
// REQUIRES: !text.empty().
size_t CharacterSize(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool too_long = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool not_a_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return too_long || not_a_character ? 0 : size;
}

}  // namespace

size_t Utf8Size(std::string_view text) {
  constexpr size_t kPieceBytes = 16;
  size_t size = 0;
  while (size < text.size()) {
    const std::string_view piece = text.substr(size, kPieceBytes);
    if (IsAscii(piece)) {
      size += piece.size();
      continue;
    }
    const size_t character = CharacterSize(text.substr(size));
    if (character == 0) break;
    size += character;
  }
  return size;
}

bool IsUtf8(std::string_view text) { return Utf8Size(text) == text.size(); }

std::string_view Utf8Prefix(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && IsContinuation(text[max_bytes])) --max_bytes;
  return text.substr(0, max_bytes);
}

}  // namespace freshet
