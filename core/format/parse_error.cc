#include "core/format/parse_error.h"

#include "absl/strings/escaping.h"
#include "core/base/str_cat.h"

namespace freshet {

absl::Status ParseError(size_t column, std::string_view message) {
  return absl::InvalidArgumentError(StrCat("column ", column, ": ", message));
}

std::string Quoted(std::string_view text) {
  constexpr size_t kMaxBytes = 60;
  const std::string_view shown = text.substr(0, kMaxBytes);
  return StrCat("\"", absl::Utf8SafeCEscape(ToAbsl(shown)),
                shown.size() < text.size() ? "...\"" : "\"");
}

}  // namespace freshet
