// Limits how much memory a serialised message takes once it is parsed, before it is parsed.

#ifndef FRESHET_SERVER_CODEC_PARSED_SIZE_H_
#define FRESHET_SERVER_CODEC_PARSED_SIZE_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// Limits of a parsed message.
struct ParsedLimits {
  uint64_t max_bytes = UINT64_MAX;     // Of memory, without the serialised message itself.
  uint64_t max_examples = UINT64_MAX;  // See v1.ExampleList.
  // For the error: max_bytes is kMaxParsedGrowth times this setting.
  std::string_view base = "the size of the message";
};

// A parsed message may take this many times the largest size that it may have on the wire. Readable
// examples with usual names take six to eighteen times their own size there.
inline constexpr uint64_t kMaxParsedGrowth = 8;

// The most bytes of memory that Protobuf takes for one byte of a serialised message. The worst case
// is a list of empty messages, which are two bytes each and become an object each.
inline constexpr uint64_t kWorstParsedGrowth = 64;

// Checks that a serialised message of this type stays within the limits when Protobuf parses it,
// with or without an arena. Only reads the bytes and builds nothing, so that a message which
// consists mostly of empty messages is refused before it is parsed. Counts an upper bound of what
// messages, strings, numbers and unknown fields take, which is up to one and a half times as much
// as they really take.
//
// RESOURCE_EXHAUSTED says which field takes most, or that there are too many examples. If the bytes
// are not a message of this type, counts as far as a parser would get.
absl::Status CheckParsedSize(const google::protobuf::Descriptor& type,
                             google::protobuf::io::ZeroCopyInputStream& wire,
                             const ParsedLimits& limits);

}  // namespace freshet

#endif  // FRESHET_SERVER_CODEC_PARSED_SIZE_H_
