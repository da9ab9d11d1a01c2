#include "core/format/proto_json.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"

namespace freshet {

namespace json = simdjson::ondemand;
using simdjson::error_code;

absl::Status ProtoNamespaceReader::Add(const JsonMember& element, JsonLine& line,
                                       ExampleBatchBuilder& builder) {
  json::object object;
  json::value value = element.value;
  if (const error_code error = value.get_object().get(object)) return line.Malformed(error);
  std::string_view name;
  features_.clear();
  absl::Status status = line.ForEachMember(object, [&](std::string_view key, JsonMember& member) {
    const std::string path = StrCat(element.path, ".", key);
    member.path = path;
    if (key == "features") return ReadFeatures(member, line);
    if (key != "name") {
      return JsonLine::MemberError(member, R"(is unknown; a namespace has "name" and "features")");
    }
    if (!member.value.get_string().get(name)) return absl::OkStatus();
    return JsonLine::MemberError(member, "must be a string");
  });
  if (!status.ok()) return status;
  const size_t index = builder.Namespace(name);
  const uint32_t hash = builder.namespace_hash(index);
  for (const NamedValue& feature : features_) {
    builder.AddFeature(index, feature.name, HashFeature(feature.name, hash), feature.value);
  }
  return absl::OkStatus();
}

absl::Status ProtoNamespaceReader::ReadFeatures(JsonMember& member, JsonLine& line) {
  json::array features;
  if (member.value.get_array().get(features)) {
    return JsonLine::MemberError(member, "must be an array");
  }
  size_t place = 0;
  for (auto result : features) {
    const std::string path = StrCat(member.path, "[", place++, "]");
    JsonMember feature{path, {}, member.column, {}};
    if (const error_code error = result.get(feature.value)) return line.Malformed(error);
    if (absl::Status status = ReadFeature(feature, line); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ProtoNamespaceReader::ReadFeature(JsonMember& element, JsonLine& line) {
  json::object object;
  if (element.value.get_object().get(object)) {
    return JsonLine::MemberError(element, R"(must be an object with "name" and "value")");
  }
  NamedValue feature{{}, 1};
  absl::Status status = line.ForEachMember(object, [&](std::string_view key, JsonMember& member) {
    const std::string path = StrCat(element.path, ".", key);
    member.path = path;
    if (key == "value") return line.ReadNumber(member, feature.value);
    if (key != "name") {
      return JsonLine::MemberError(member, R"(is unknown; a feature has "name" and "value")");
    }
    if (!member.value.get_string().get(feature.name)) return absl::OkStatus();
    return JsonLine::MemberError(member, "must be a string");
  });
  if (status.ok()) features_.push_back(feature);
  return status;
}

}  // namespace freshet
