// Files that are no text, by their first bytes.

#ifndef FRESHET_CLIENT_INPUT_TEXT_CHECK_H_
#define FRESHET_CLIENT_INPUT_TEXT_CHECK_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// INVALID_ARGUMENT where `start`, the first bytes of the file `path` once it is decompressed, are
// those of UTF-16 or UTF-32 text, of Parquet, Arrow and the like, or of another compression than
// gzip and zstd. The message names what it is, and what to do. OK for everything else.
absl::Status CheckIsText(const std::string& path, std::string_view start);

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_TEXT_CHECK_H_
