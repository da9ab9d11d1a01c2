#include "server/codec/known_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace freshet {

bool ParseFieldsExcept(std::span<const std::byte> wire, std::span<const int> skipped,
                       google::protobuf::Message& message) {
  using google::protobuf::internal::WireFormatLite;
  const auto* const bytes = reinterpret_cast<const uint8_t*>(wire.data());
  google::protobuf::io::CodedInputStream in(bytes, static_cast<int>(wire.size()));
  std::string fields;
  while (true) {
    const int begin = in.CurrentPosition();
    const uint32_t tag = in.ReadTag();
    if (tag == 0) break;
    if (!WireFormatLite::SkipField(&in, tag)) return false;
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    if (std::find(skipped.begin(), skipped.end(), number) != skipped.end() ||
        message.GetDescriptor()->FindFieldByNumber(number) == nullptr) {
      continue;
    }
    fields.append(bytes + begin, bytes + in.CurrentPosition());
  }
  return in.ConsumedEntireMessage() && message.ParseFromString(fields);
}

}  // namespace freshet
