// Parses a part of a serialised message.

#ifndef FRESHET_SERVER_CODEC_KNOWN_FIELDS_H_
#define FRESHET_SERVER_CODEC_KNOWN_FIELDS_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <span>

namespace freshet {

// Parses all fields of `message` but those with these numbers, for the answer to a message that
// would take too much memory as a whole. Skips fields that the message does not have. False if the
// bytes are not such a message.
bool ParseFieldsExcept(std::span<const std::byte> wire, std::span<const int> skipped,
                       google::protobuf::Message& message);

}  // namespace freshet

#endif  // FRESHET_SERVER_CODEC_KNOWN_FIELDS_H_
