#include "server/codec/parsed_size.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "freshet/v1/example.pb.h"

namespace freshet {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MessageFactory;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// The depth of nesting at which Protobuf's parser stops.
constexpr int kMaxDepth = 100;

// An allocator's overhead for each object, including rounding.
constexpr uint64_t kAllocationBytes = 16;
constexpr uint64_t kStringBytes = sizeof(std::string) + kAllocationBytes;
constexpr uint64_t kShortString = 15;  // The most characters that are kept in the object itself.

// What an element takes in a repeated field, which grows by doubling. On an arena the old arrays
// are not freed, but there a message has no overhead of its own.
constexpr uint64_t kPlaceBytes = 2 * sizeof(void*);
constexpr uint64_t kStringPlaceBytes = 4 * sizeof(void*);
// The same for numbers, as a multiple of their size: old and new arrays. For packed numbers of a
// fixed size the parser knows the count in advance.
constexpr uint64_t kNumberGrowth = 4;
constexpr uint64_t kFixedNumberGrowth = 2;

// What an unknown field takes: its kind and value, in a list that grows by doubling and is not on
// the arena, so that the old list is freed.
constexpr uint64_t kUnknownFieldBytes = 3 * (sizeof(uint32_t) + sizeof(uint32_t) + sizeof(void*));
// What the containers for the unknown fields of a message and of a group take.
constexpr uint64_t kUnknownFieldsBytes = 64;
constexpr uint64_t kUnknownGroupBytes = 32;

uint64_t BytesOfString(uint64_t size) {
  return kStringBytes + (size > kShortString ? size + kAllocationBytes : 0);
}

// The size of one number in memory.
uint64_t BytesOfNumber(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return sizeof(bool);
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return sizeof(uint64_t);
    default:
      return sizeof(uint32_t);
  }
}

WireFormatLite::WireType WireTypeOf(const FieldDescriptor& field) {
  return WireFormatLite::WireTypeForFieldType(
      static_cast<WireFormatLite::FieldType>(static_cast<int>(field.type())));
}

// Reads one message and adds up what it would take.
class Meter {
 public:
  Meter(google::protobuf::io::ZeroCopyInputStream& wire, const ParsedLimits& limits)
      : in_(&wire), limits_(limits) {}

  absl::Status Check(const Descriptor& type) {
    Type& root = TypeOf(type);
    bytes_ = root.object_bytes;
    Read(&root, 0);
    if (examples_ > limits_.max_examples) {
      return absl::ResourceExhaustedError(
          StrCat("the batch has more than ", limits_.max_examples,
                 " examples (limits.max_batch_examples); send smaller batches"));
    }
    if (bytes_ <= limits_.max_bytes) return absl::OkStatus();
    const Field* const most = Largest();
    return absl::ResourceExhaustedError(StrCat(
        "the message takes more than ", limits_.max_bytes, " bytes of memory once it is parsed (",
        kMaxParsedGrowth, " times ", limits_.base, "), most of it for ",
        most == nullptr ? "unknown fields"
                        : StrCat("its ", most->count, " ", most->descriptor->full_name()),
        "; send less at a time"));
  }

 private:
  struct Type;

  struct Field {
    const FieldDescriptor* descriptor = nullptr;
    Type* message = nullptr;  // Of a field with messages; null until one was read.
    uint64_t count = 0;
    uint64_t bytes = 0;  // Of all of them.
  };

  struct Type {
    uint64_t object_bytes = 0;
    std::vector<Field> fields;  // By number, which are small; unused numbers have no descriptor.
  };

  Type& TypeOf(const Descriptor& descriptor) {
    std::unique_ptr<Type>& type = types_[&descriptor];
    if (type != nullptr) return *type;
    type = std::make_unique<Type>();
    type->object_bytes =
        MessageFactory::generated_factory()->GetPrototype(&descriptor)->SpaceUsedLong() +
        kAllocationBytes;
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor& field = *descriptor.field(i);
      const auto number = static_cast<size_t>(field.number());
      if (type->fields.size() <= number) type->fields.resize(number + 1);
      type->fields[number].descriptor = &field;
    }
    return *type;
  }

  const Field* Largest() const {
    const Field* largest = nullptr;
    uint64_t bytes = unknown_bytes_;
    for (const auto& [descriptor, type] : types_) {
      for (const Field& field : type->fields) {
        if (field.bytes <= bytes) continue;
        largest = &field;
        bytes = field.bytes;
      }
    }
    return largest;
  }

  void Add(Field& field, uint64_t count, uint64_t bytes) {
    field.count += count;
    field.bytes += bytes;
    bytes_ += bytes;
  }

  void AddUnknown(uint64_t bytes) {
    unknown_bytes_ += bytes;
    bytes_ += bytes;
  }

  bool is_too_much() const {
    return bytes_ > limits_.max_bytes || examples_ > limits_.max_examples;
  }

  // Reads the fields of a message or, if `type` is null, of an unknown group. Returns false if
  // reading is to end, because the limits are exceeded or the bytes are not a message.
  bool Read(Type* type, int depth) {
    bool has_unknown = type == nullptr;
    while (const uint32_t tag = in_.ReadTag()) {
      if (WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_END_GROUP) {
        return type == nullptr;
      }
      const auto number = static_cast<size_t>(WireFormatLite::GetTagFieldNumber(tag));
      Field* field =
          type != nullptr && number < type->fields.size() ? &type->fields[number] : nullptr;
      if (field != nullptr && field->descriptor == nullptr) field = nullptr;
      const bool is_known = field != nullptr && IsOfField(*field->descriptor, tag);
      if (!is_known && !has_unknown) AddUnknown(kUnknownFieldsBytes);
      has_unknown |= !is_known;
      if (!(is_known ? ReadKnown(*field, tag, depth) : ReadUnknown(tag, depth))) return false;
      if (is_too_much()) return false;
    }
    return in_.ConsumedEntireMessage();
  }

  // Whether the wire type of `tag` fits the field. If not, the parser keeps it as an unknown field.
  static bool IsOfField(const FieldDescriptor& field, uint32_t tag) {
    const WireFormatLite::WireType type = WireFormatLite::GetTagWireType(tag);
    return type == WireTypeOf(field) ||
           (field.is_packable() && type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  }

  bool ReadKnown(Field& field, uint32_t tag, int depth) {
    const FieldDescriptor& descriptor = *field.descriptor;
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (descriptor.is_repeated()) Add(field, 1, kNumberGrowth * BytesOfNumber(descriptor));
      return WireFormatLite::SkipField(&in_, tag);
    }
    int size = 0;
    if (!in_.ReadVarintSizeAsInt(&size)) return false;
    const auto length = static_cast<uint64_t>(size);
    switch (descriptor.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return ReadMessage(field, size, depth);
      case FieldDescriptor::CPPTYPE_STRING:
        Add(field, 1, BytesOfString(length) + (descriptor.is_repeated() ? kStringPlaceBytes : 0));
        return in_.Skip(size);
      default:
        return ReadNumbers(field, size);
    }
  }

  bool ReadMessage(Field& field, int size, int depth) {
    if (depth == kMaxDepth) return false;
    if (field.message == nullptr) field.message = &TypeOf(*field.descriptor->message_type());
    Add(field, 1,
        field.message->object_bytes + (field.descriptor->is_repeated() ? kPlaceBytes : 0));
    if (field.descriptor->containing_type() == v1::ExampleList::descriptor()) ++examples_;
    const CodedInputStream::Limit limit = in_.PushLimit(size);
    const bool is_whole = Read(field.message, depth + 1);
    in_.PopLimit(limit);
    return is_whole;
  }

  // Reads a packed list of numbers.
  bool ReadNumbers(Field& field, int size) {
    const uint64_t bytes = BytesOfNumber(*field.descriptor);
    const auto length = static_cast<uint64_t>(size);
    if (WireTypeOf(*field.descriptor) != WireFormatLite::WIRETYPE_VARINT) {
      Add(field, length / bytes, kFixedNumberGrowth * length);
      return in_.Skip(size);
    }
    // Count the last bytes of varints: those without the highest bit.
    uint64_t count = 0;
    for (int left = size; left > 0;) {
      const void* data = nullptr;
      int available = 0;
      if (!in_.GetDirectBufferPointer(&data, &available)) return false;
      available = std::min(available, left);
      const auto* const begin = static_cast<const uint8_t*>(data);
      count += static_cast<uint64_t>(
          std::count_if(begin, begin + available, [](uint8_t byte) { return byte < 0x80; }));
      if (!in_.Skip(available)) return false;
      left -= available;
    }
    Add(field, count, kNumberGrowth * bytes * count);
    return true;
  }

  bool ReadUnknown(uint32_t tag, int depth) {
    AddUnknown(kUnknownFieldBytes);
    int size = 0;
    switch (WireFormatLite::GetTagWireType(tag)) {
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
        if (!in_.ReadVarintSizeAsInt(&size)) return false;
        AddUnknown(BytesOfString(static_cast<uint64_t>(size)));
        return in_.Skip(size);
      case WireFormatLite::WIRETYPE_START_GROUP:
        AddUnknown(kUnknownGroupBytes);
        return depth < kMaxDepth && Read(nullptr, depth + 1);
      default:
        return WireFormatLite::SkipField(&in_, tag);
    }
  }

  CodedInputStream in_;
  const ParsedLimits& limits_;
  std::map<const Descriptor*, std::unique_ptr<Type>> types_;
  uint64_t bytes_ = 0;
  uint64_t unknown_bytes_ = 0;
  uint64_t examples_ = 0;
};

}  // namespace

absl::Status CheckParsedSize(const Descriptor& type,
                             google::protobuf::io::ZeroCopyInputStream& wire,
                             const ParsedLimits& limits) {
  return Meter(wire, limits).Check(type);
}

}  // namespace freshet
