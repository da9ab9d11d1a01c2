// Recognises files that are not text by their first bytes.

#ifndef FRESHET_CLIENT_INPUT_TEXT_CHECK_H_
#define FRESHET_CLIENT_INPUT_TEXT_CHECK_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// INVALID_ARGUMENT if `start`, the first bytes of the file `path` after decompression, are those of
// UTF-16 or UTF-32 text, of Parquet, Arrow or another binary format, or of a compression other than
// gzip and zstd. The message says what the file is and how to convert it. OK for everything else.
absl::Status CheckIsText(const std::string& path, std::string_view start);

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_TEXT_CHECK_H_
