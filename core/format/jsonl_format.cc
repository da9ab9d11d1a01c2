#include "core/format/jsonl_format.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

namespace json = simdjson::ondemand;
using simdjson::error_code;

// A member of an object, and where to point at when it is wrong.
struct Member {
  std::string_view key;
  size_t column = 1;
  json::value value;
};

class JsonlFormat final : public RowFormat {
 public:
  explicit JsonlFormat(bool labels_required) : labels_required_(labels_required) {}

  absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) override;
  std::string_view tag() const override { return tag_; }

 private:
  struct NamedValue {
    std::string_view name;
    float value;
  };

  absl::Status ParseObject(json::document& document, ExampleBatchBuilder& builder);
  absl::Status ParseMember(Member& member, ExampleBatchBuilder& builder);
  absl::Status ParseString(const Member& member, ExampleBatchBuilder& builder);
  absl::Status ParseArray(Member& member, ExampleBatchBuilder& builder);
  absl::Status ParseNamespaceObject(Member& member, ExampleBatchBuilder& builder);
  absl::Status ParseProtoNamespace(json::value value, ExampleBatchBuilder& builder);
  absl::Status ParseProtoFeature(json::value value);

  // Calls visit(member) for each member of `object`, until it fails.
  template <typename Visit>
  absl::Status ForEachMember(json::object object, Visit visit);
  absl::Status ReadNumber(Member& member, float& number);
  absl::Status ReadLabel(Member& member);
  absl::Status ReadTag(Member& member);
  absl::Status Malformed(error_code error) const;
  absl::Status MemberError(const Member& member, std::string_view message) const;
  size_t ColumnOf(const char* position) const;

  const bool labels_required_;
  json::parser parser_;
  std::vector<char> buffer_;  // The line, and the padding that the parser needs behind it.
  size_t line_size_ = 0;
  std::string tag_;
  std::string feature_name_;
  std::vector<NamedValue> proto_features_;

  // Of the row being parsed.
  json::document* document_ = nullptr;
  bool has_label_ = false;
  float label_ = 0;
  float weight_ = 1;
};

size_t JsonlFormat::ColumnOf(const char* position) const {
  if (position < buffer_.data() || position > buffer_.data() + line_size_) return line_size_ + 1;
  return static_cast<size_t>(position - buffer_.data()) + 1;
}

absl::Status JsonlFormat::Malformed(error_code error) const {
  const char* position = nullptr;
  if (document_ == nullptr || document_->current_location().get(position) != simdjson::SUCCESS) {
    position = buffer_.data() + line_size_;
  }
  return ParseError(ColumnOf(position), StrCat("malformed JSON: ", simdjson::error_message(error)));
}

absl::Status JsonlFormat::MemberError(const Member& member, std::string_view message) const {
  return ParseError(member.column, StrCat("member ", Quoted(member.key), " ", message));
}

template <typename Visit>
absl::Status JsonlFormat::ForEachMember(json::object object, Visit visit) {
  for (auto result : object) {
    json::field field;
    if (const error_code error = std::move(result).get(field)) return Malformed(error);
    Member member;
    member.column = ColumnOf(field.key().raw() - 1);  // At the quote.
    if (const error_code error = field.unescaped_key().get(member.key)) return Malformed(error);
    member.value = field.value();
    if (absl::Status status = visit(member); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> JsonlFormat::ParseLine(std::string_view line, ExampleBatchBuilder& builder) {
  tag_.clear();
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return false;
  const size_t padded_size = line.size() + simdjson::SIMDJSON_PADDING;
  if (buffer_.size() < padded_size) buffer_.resize(padded_size);
  std::copy(line.begin(), line.end(), buffer_.begin());
  line_size_ = line.size();
  document_ = nullptr;
  json::document document;
  if (const error_code error =
          parser_.iterate(buffer_.data(), line.size(), buffer_.size()).get(document)) {
    return Malformed(error);
  }
  document_ = &document;
  builder.BeginRow(0, 1);
  const absl::Status status = ParseObject(document, builder);
  document_ = nullptr;
  if (!status.ok()) {
    builder.AbandonRow();
    tag_.clear();
    return status;
  }
  builder.SetLabelAndWeight(label_, weight_);
  builder.EndRow();
  return true;
}

absl::Status JsonlFormat::ParseObject(json::document& document, ExampleBatchBuilder& builder) {
  has_label_ = false;
  label_ = 0;
  weight_ = 1;
  json::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) {
    return ParseError(1, R"(a row must be a JSON object, as in {"label": 1, "user": "a"})");
  }
  absl::Status status =
      ForEachMember(object, [&](Member& member) { return ParseMember(member, builder); });
  if (!status.ok()) return status;
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    return ParseError(ColumnOf(rest), "unexpected text after the JSON object; one row a line");
  }
  if (labels_required_ && !has_label_) {
    return ParseError(1, "the member \"label\" is missing; a row to learn from must have one");
  }
  return absl::OkStatus();
}

absl::Status JsonlFormat::ParseMember(Member& member, ExampleBatchBuilder& builder) {
  json::json_type type{};
  if (const error_code error = member.value.type().get(type)) return Malformed(error);
  if (type == json::json_type::null) {
    bool null = false;
    const error_code error = member.value.is_null().get(null);
    return error || !null ? Malformed(error ? error : simdjson::N_ATOM_ERROR) : absl::OkStatus();
  }
  if (member.key == "label") return ReadLabel(member);
  if (member.key == "tag") return ReadTag(member);
  if (member.key == "weight") {
    if (absl::Status status = ReadNumber(member, weight_); !status.ok()) return status;
    return weight_ >= 0 ? absl::OkStatus() : MemberError(member, "must be at least 0");
  }
  switch (type) {
    case json::json_type::string:
      return ParseString(member, builder);
    case json::json_type::array:
      return ParseArray(member, builder);
    case json::json_type::object:
      return ParseNamespaceObject(member, builder);
    default:
      break;
  }
  const size_t index = builder.Namespace(member.key);
  const uint32_t hash = builder.namespace_hash(index);
  if (type == json::json_type::boolean) {
    bool yes = false;
    if (const error_code error = member.value.get_bool().get(yes)) return Malformed(error);
    const std::string_view name = yes ? "true" : "false";
    builder.AddFeature(index, name, HashFeature(name, hash), 1);
    return absl::OkStatus();
  }
  float number = 0;
  if (absl::Status status = ReadNumber(member, number); !status.ok()) return status;
  builder.AddFeature(index, member.key, HashFeature(member.key, hash), number);
  return absl::OkStatus();
}

absl::Status JsonlFormat::ParseString(const Member& member, ExampleBatchBuilder& builder) {
  json::value value = member.value;
  std::string_view text;
  if (const error_code error = value.get_string().get(text)) return Malformed(error);
  if (text.empty()) return absl::OkStatus();
  const size_t index = builder.Namespace(member.key);
  builder.AddFeature(index, text, HashFeature(text, builder.namespace_hash(index)), 1);
  return absl::OkStatus();
}

absl::Status JsonlFormat::ParseArray(Member& member, ExampleBatchBuilder& builder) {
  json::array array;
  if (const error_code error = member.value.get_array().get(array)) return Malformed(error);
  for (auto result : array) {
    Member element{member.key, member.column, {}};
    if (const error_code error = result.get(element.value)) return Malformed(error);
    json::json_type type{};
    if (const error_code error = element.value.type().get(type)) return Malformed(error);
    if (type == json::json_type::string) {
      if (absl::Status status = ParseString(element, builder); !status.ok()) return status;
    } else if (type == json::json_type::object && member.key == "namespaces") {
      if (absl::Status s = ParseProtoNamespace(element.value, builder); !s.ok()) return s;
    } else {
      return MemberError(member, "is an array that holds something else than strings");
    }
  }
  return absl::OkStatus();
}

absl::Status JsonlFormat::ParseNamespaceObject(Member& member, ExampleBatchBuilder& builder) {
  json::object object;
  if (const error_code error = member.value.get_object().get(object)) return Malformed(error);
  const size_t index = builder.Namespace(member.key);
  const uint32_t hash = builder.namespace_hash(index);
  return ForEachMember(object, [&](Member& inner) {
    json::json_type type{};
    if (const error_code error = inner.value.type().get(type)) return Malformed(error);
    float number = 1;
    feature_name_.assign(inner.key);
    if (type == json::json_type::string) {
      std::string_view text;
      if (const error_code error = inner.value.get_string().get(text)) return Malformed(error);
      if (text.empty()) return absl::OkStatus();
      feature_name_.append("=").append(text);
    } else if (type == json::json_type::boolean) {
      bool yes = false;
      if (const error_code error = inner.value.get_bool().get(yes)) return Malformed(error);
      feature_name_.append(yes ? "=true" : "=false");
    } else if (type == json::json_type::number) {
      if (absl::Status status = ReadNumber(inner, number); !status.ok()) return status;
    } else if (type == json::json_type::null) {
      bool null = false;
      if (inner.value.is_null().get(null) || !null) return Malformed(simdjson::N_ATOM_ERROR);
      return absl::OkStatus();
    } else {
      return MemberError(inner, "of a namespace must be a string, a number, true, false or null");
    }
    builder.AddFeature(index, feature_name_, HashFeature(feature_name_, hash), number);
    return absl::OkStatus();
  });
}

absl::Status JsonlFormat::ParseProtoNamespace(json::value value, ExampleBatchBuilder& builder) {
  json::object object;
  if (const error_code error = value.get_object().get(object)) return Malformed(error);
  std::string_view name;
  proto_features_.clear();
  absl::Status status = ForEachMember(object, [&](Member& member) {
    if (member.key == "name") {
      if (!member.value.get_string().get(name)) return absl::OkStatus();
      return MemberError(member, "of a namespace must be a string");
    }
    if (member.key != "features") {
      return MemberError(member, R"(is unknown; a namespace has "name" and "features")");
    }
    json::array features;
    if (member.value.get_array().get(features)) {
      return MemberError(member, "of a namespace must be an array");
    }
    for (auto result : features) {
      json::value feature;
      if (const error_code error = result.get(feature)) return Malformed(error);
      if (absl::Status s = ParseProtoFeature(feature); !s.ok()) return s;
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  const size_t index = builder.Namespace(name);
  const uint32_t hash = builder.namespace_hash(index);
  for (const NamedValue& feature : proto_features_) {
    builder.AddFeature(index, feature.name, HashFeature(feature.name, hash), feature.value);
  }
  return absl::OkStatus();
}

absl::Status JsonlFormat::ParseProtoFeature(json::value value) {
  json::object object;
  if (value.get_object().get(object)) {
    return ParseError(1, R"(a feature in "features" must be an object with "name" and "value")");
  }
  NamedValue feature{{}, 1};
  absl::Status status = ForEachMember(object, [&](Member& member) {
    if (member.key == "value") return ReadNumber(member, feature.value);
    if (member.key != "name") {
      return MemberError(member, R"(is unknown; a feature has "name" and "value")");
    }
    if (!member.value.get_string().get(feature.name)) return absl::OkStatus();
    return MemberError(member, "of a feature must be a string");
  });
  if (status.ok()) proto_features_.push_back(feature);
  return status;
}

// Protobuf's JSON form writes a number also as a string.
absl::Status JsonlFormat::ReadNumber(Member& member, float& number) {
  json::json_type type{};
  if (const error_code error = member.value.type().get(type)) return Malformed(error);
  if (type == json::json_type::string) {
    std::string_view text;
    if (const error_code error = member.value.get_string().get(text)) return Malformed(error);
    if (ParseFiniteFloat(text, number)) return absl::OkStatus();
    return MemberError(member, StrCat("is ", Quoted(text), "; it must be a finite number"));
  }
  double value = 0;
  if (type != json::json_type::number || member.value.get_double().get(value) ||
      !std::isfinite(static_cast<float>(value))) {
    return MemberError(member, "must be a finite number");
  }
  number = static_cast<float>(value);
  return absl::OkStatus();
}

absl::Status JsonlFormat::ReadLabel(Member& member) {
  has_label_ = true;
  bool yes = false;
  if (member.value.get_bool().get(yes)) return ReadNumber(member, label_);
  label_ = yes ? 1.0f : 0.0f;
  return absl::OkStatus();
}

absl::Status JsonlFormat::ReadTag(Member& member) {
  std::string_view text;
  if (!member.value.get_string().get(text)) {
    tag_.assign(text);
    return absl::OkStatus();
  }
  double number = 0;
  const std::string_view raw = member.value.raw_json_token();
  if (member.value.get_double().get(number)) {
    return MemberError(member, "must be a string or a number");
  }
  tag_.assign(raw.substr(0, raw.find_last_not_of(" \t\r\n") + 1));
  return absl::OkStatus();
}

}  // namespace

std::unique_ptr<RowFormat> MakeJsonlFormat(bool labels_required) {
  return std::make_unique<JsonlFormat>(labels_required);
}

}  // namespace freshet
