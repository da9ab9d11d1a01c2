// How much memory a serialised message takes once it is parsed.

#ifndef FRESHET_SERVER_CODEC_PARSED_SIZE_H_
#define FRESHET_SERVER_CODEC_PARSED_SIZE_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// What a message may come to.
struct ParsedLimits {
  uint64_t max_bytes = UINT64_MAX;     // Of memory, beside the serialised message.
  uint64_t max_examples = UINT64_MAX;  // See v1.ExampleList.
  // What max_bytes is kMaxParsedGrowth times of, for whoever is refused: a setting's name.
  std::string_view base = "the size of the message";
};

// Of a message not more memory may be made than so many times what it may be on the wire. Readable
// examples of usual names take six to eighteen times what they are there.
inline constexpr uint64_t kMaxParsedGrowth = 8;

// Protobuf makes at most so many bytes of memory of one byte of a serialised message: an empty
// message in a list is two bytes, and an object.
inline constexpr uint64_t kWorstParsedGrowth = 64;

// Whether what Protobuf would make of a serialised message of this type is within the limits, on an
// arena or off it. Reads the bytes and makes nothing of them, so that nothing is parsed that is
// mostly empty messages. Counts at most what messages, strings, numbers and unknown fields take: up
// to half as much again as they do.
//
// RESOURCE_EXHAUSTED says which field takes most, or that there are too many examples. What is not
// a message of this type is counted as far as a parser would come.
absl::Status CheckParsedSize(const google::protobuf::Descriptor& type,
                             google::protobuf::io::ZeroCopyInputStream& wire,
                             const ParsedLimits& limits);

}  // namespace freshet

#endif  // FRESHET_SERVER_CODEC_PARSED_SIZE_H_
