// Builds error messages about malformed input.

#ifndef FRESHET_CORE_FORMAT_PARSE_ERROR_H_
#define FRESHET_CORE_FORMAT_PARSE_ERROR_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/utf8.h"

namespace freshet {

// INVALID_ARGUMENT "column N: message"; `column` counts bytes from 1.
absl::Status ParseError(size_t column, std::string_view message);

// The slow part of CheckUtf8().
absl::Status CheckUtf8OfMoreThanAscii(std::string_view line);

// OK if `line` is UTF-8, else a ParseError() at the first byte that is not. Parsed text ends up in
// messages and in Protobuf strings, which must be UTF-8.
inline absl::Status CheckUtf8(std::string_view line) {
  return IsAscii(line) ? absl::OkStatus() : CheckUtf8OfMoreThanAscii(line);
}

// `text` in quotes for a message: truncated if it is long, and with bytes that are unprintable or
// not UTF-8 escaped.
std::string Quoted(std::string_view text);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_PARSE_ERROR_H_
