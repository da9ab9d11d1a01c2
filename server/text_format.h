// Parsing of Protobuf text format, for files that people write.

#ifndef FRESHET_SERVER_TEXT_FORMAT_H_
#define FRESHET_SERVER_TEXT_FORMAT_H_

#include <google/protobuf/message.h>

#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// Parses `text` into `message`. INVALID_ARGUMENT names `place`, usually the file, then line, column
// and reason of the first error.
absl::Status ParseTextFormat(std::string_view text, std::string_view place,
                             google::protobuf::Message& message);

}  // namespace freshet

#endif  // FRESHET_SERVER_TEXT_FORMAT_H_
