#include "core/format/parse_error.h"

#include <simdjson.h>

#include "absl/strings/escaping.h"
#include "core/base/str_cat.h"
#include "core/base/utf8.h"

namespace freshet {

absl::Status ParseError(size_t column, std::string_view message) {
  return absl::InvalidArgumentError(StrCat("column ", column, ": ", message));
}

absl::Status CheckUtf8OfMoreThanAscii(std::string_view line) {
  // simdjson is several times faster than Utf8Size(), but does not say where the bad byte is.
  if (simdjson::validate_utf8(line.data(), line.size())) return absl::OkStatus();
  const size_t good = Utf8Size(line);
  if (good == line.size()) return absl::OkStatus();
  const size_t begin = good - std::min<size_t>(good, 20);
  return ParseError(good + 1,
                    StrCat("not UTF-8: byte 0x", absl::Hex(static_cast<unsigned char>(line[good])),
                           " in ", Quoted(line.substr(begin, 30)),
                           "; convert the file first, as in 'iconv -f LATIN1 -t UTF-8 FILE'"));
}

std::string Quoted(std::string_view text) {
  constexpr size_t kMaxBytes = 60;
  const bool utf8 = IsUtf8(text);
  const std::string_view shown = utf8 ? Utf8Prefix(text, kMaxBytes) : text.substr(0, kMaxBytes);
  return StrCat("\"", utf8 ? absl::Utf8SafeCEscape(ToAbsl(shown)) : absl::CHexEscape(ToAbsl(shown)),
                shown.size() < text.size() ? "...\"" : "\"");
}

}  // namespace freshet
