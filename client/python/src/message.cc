#include "client/python/src/message.h"

#include <nanobind/stl/string.h>

#include <cctype>
#include <string>

#include "absl/strings/ascii.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/timestamp.pb.h"

namespace freshet::python {
namespace {

namespace nb = nanobind;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// "fsync" for DURABILITY_FSYNC of the enum Durability.
std::string ShortName(const EnumValueDescriptor* value) {
  if (value->number() == 0) return "";
  std::string prefix;
  for (const char c : value->type()->name()) {
    if (!prefix.empty() && std::isupper(static_cast<unsigned char>(c)) != 0) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  prefix += '_';
  std::string name = value->name();
  if (name.starts_with(prefix)) name.erase(0, prefix.size());
  return absl::AsciiStrToLower(name);
}

nb::object OfMessage(const Message& message) {
  const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message);
  if (time == nullptr) return ToPython(message);
  return nb::float_(static_cast<double>(time->seconds()) + 1e-9 * time->nanos());
}

// The value of a field, or of its element `i` if the field is repeated.
nb::object OfField(const Message& message, const FieldDescriptor* field, int i) {
  const Reflection* r = message.GetReflection();
  const bool repeated = field->is_repeated();
  const auto value = [&](auto single, auto element) {
    return repeated ? (r->*element)(message, field, i) : (r->*single)(message, field);
  };
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return nb::int_(value(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return nb::int_(value(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return nb::int_(value(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return nb::int_(value(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return nb::float_(value(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return nb::float_(
          static_cast<double>(value(&Reflection::GetFloat, &Reflection::GetRepeatedFloat)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return nb::bool_(value(&Reflection::GetBool, &Reflection::GetRepeatedBool));
    case FieldDescriptor::CPPTYPE_ENUM:
      return nb::cast(ShortName(value(&Reflection::GetEnum, &Reflection::GetRepeatedEnum)));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = value(&Reflection::GetString, &Reflection::GetRepeatedString);
      if (field->type() == FieldDescriptor::TYPE_BYTES) return nb::bytes(text.data(), text.size());
      return nb::cast(text);
    }
    default:
      return OfMessage(repeated ? r->GetRepeatedMessage(message, field, i)
                                : r->GetMessage(message, field));
  }
}

}  // namespace

nb::dict ToPython(const Message& message) {
  nb::dict out;
  const Reflection* reflection = message.GetReflection();
  const auto* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    nb::object value;
    if (field->is_repeated()) {
      nb::list list;
      const int size = reflection->FieldSize(message, field);
      for (int j = 0; j < size; ++j) list.append(OfField(message, field, j));
      value = std::move(list);
    } else if (field->has_presence() && !reflection->HasField(message, field)) {
      value = nb::none();
    } else {
      value = OfField(message, field, 0);
    }
    out[field->name().c_str()] = std::move(value);
  }
  return out;
}

}  // namespace freshet::python
