#include "core/format/text_words.h"

#include <utf8proc.h>

#include <array>
#include <cstddef>

namespace freshet {
namespace {

bool IsApostrophe(int code) { return code == '\'' || code == 0x2019; }

bool IsWordCharacter(int code) {
  if (code < 0x80) {
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
           (code >= '0' && code <= '9') || code == '_';
  }
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

void AppendLower(int code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code));
    return;
  }
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto size = utf8proc_encode_char(utf8proc_tolower(code), bytes.data());
  for (utf8proc_ssize_t i = 0; i < size; ++i) {
    out.push_back(static_cast<char>(bytes[static_cast<size_t>(i)]));
  }
}

}  // namespace

TextWords::Character TextWords::First(std::string_view text) const {
  if (text.empty()) return {0, 0};
  utf8proc_int32_t code = 0;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (size <= 0) return {0xFFFD, 1};
  return {code, static_cast<size_t>(size)};
}

bool TextWords::Next(std::string_view& word) {
  word_.clear();
  while (!rest_.empty()) {
    const Character character = First(rest_);
    const std::string_view after = rest_.substr(character.size);
    if (IsWordCharacter(character.code)) {
      AppendLower(character.code, word_);
    } else if (!word_.empty()) {
      const bool within = IsApostrophe(character.code) && IsWordCharacter(First(after).code);
      if (!within) break;
      word_.push_back('\'');
    }
    rest_ = after;
  }
  word = word_;
  return !word_.empty();
}

}  // namespace freshet
