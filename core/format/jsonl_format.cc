#include "core/format/jsonl_format.h"

#include <simdjson.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/format/civil_time.h"
#include "core/format/json_line.h"
#include "core/format/label_rule.h"
#include "core/format/missing_words.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"
#include "core/format/proto_json.h"
#include "core/format/time_features.h"

namespace freshet {
namespace {

namespace json = simdjson::ondemand;
using simdjson::error_code;

// The maximum nesting of objects.
constexpr size_t kMaxDepth = 64;

using Member = JsonMember;

// One of 64 bits, chosen by the size of `path`: a quick check that rules out a role for most
// members.
uint64_t SizeBit(std::string_view path) { return uint64_t{1} << (path.size() % 64); }

class JsonlFormat final : public RowFormat {
 public:
  JsonlFormat(FormatOptions options, LabelReader labels, TimeReader times);

  absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) override;
  std::string_view tag() const override { return tag_; }
  absl::StatusOr<std::optional<FieldText>> Field(std::string_view name) override;

 private:
  enum class Role { kFeatures, kNumber, kTime, kLabel, kWeight, kIgnored };

  struct FieldRole {
    std::string path;
    Role role;
  };

  Role RoleOf(std::string_view path) const {
    return (role_sizes_ & SizeBit(path)) == 0 ? Role::kFeatures : RoleAmongFields(path);
  }
  Role RoleAmongFields(std::string_view path) const;
  absl::Status ParseObject(json::object object, ExampleBatchBuilder& builder);
  absl::Status ParseTopMember(Member& member, ExampleBatchBuilder& builder);
  // Adds the features of a value with the role `role` to the namespace `index`.
  absl::Status AddValue(Member& member, Role role, size_t index, size_t depth,
                        ExampleBatchBuilder& builder);
  absl::Status AddText(Member& member, Role role, size_t index, ExampleBatchBuilder& builder);
  // The name of the feature for a category; valid until the next call.
  std::string_view CategoryName(const Member& member, std::string_view category);
  absl::Status AddArray(Member& member, size_t index, ExampleBatchBuilder& builder);
  absl::Status AddMembers(Member& member, size_t index, size_t depth, ExampleBatchBuilder& builder);
  absl::Status AddTime(Member& member, ExampleBatchBuilder& builder);
  // Adds the features of the member "namespaces" if it is a list.
  absl::Status AddNamespaces(Member& member, ExampleBatchBuilder& builder);
  absl::Status ReadLabel(Member& member);
  absl::Status ReadWeight(Member& member);
  absl::Status ReadTag(Member& member);

  const FormatOptions options_;
  const LabelReader labels_;
  const TimeReader times_;
  const MissingWords missing_;
  std::vector<FieldRole> roles_;
  uint64_t role_sizes_ = 0;  // The SizeBit() of each path in roles_.
  std::optional<TimeFeatures> time_features_;

  JsonLine line_;
  ProtoNamespaceReader proto_namespaces_;
  std::string tag_;
  std::string path_;  // The path of the nested member being parsed.
  std::string feature_name_;

  // State of the row being parsed.
  bool has_label_ = false;
  float label_ = 0;
  float weight_ = 1;
};

JsonlFormat::JsonlFormat(FormatOptions options, LabelReader labels, TimeReader times)
    : options_(std::move(options)),
      labels_(std::move(labels)),
      times_(std::move(times)),
      missing_(options_.missing) {
  const auto path_or = [](const std::string& path, std::string_view usual) {
    return path.empty() ? std::string(usual) : path;
  };
  roles_.push_back({path_or(options_.label_field, "label"), Role::kLabel});
  roles_.push_back({path_or(options_.weight_field, "weight"), Role::kWeight});
  for (const std::string& path : options_.numeric_fields) roles_.push_back({path, Role::kNumber});
  for (const std::string& path : options_.ignore_fields) roles_.push_back({path, Role::kIgnored});
  if (!options_.time_features_field.empty()) {
    roles_.push_back({options_.time_features_field, Role::kTime});
    time_features_.emplace(HashNamespace(options_.time_features_field));
  }
  for (const FieldRole& field : roles_) role_sizes_ |= SizeBit(field.path);
}

JsonlFormat::Role JsonlFormat::RoleAmongFields(std::string_view path) const {
  for (const FieldRole& field : roles_) {
    if (field.path == path) return field.role;
  }
  return Role::kFeatures;
}

absl::StatusOr<bool> JsonlFormat::ParseLine(std::string_view line, ExampleBatchBuilder& builder) {
  tag_.clear();
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return false;
  json::object object;
  if (absl::Status status = line_.Begin(line, object); !status.ok()) return status;
  builder.BeginRow(0, 1);
  const absl::Status status = ParseObject(object, builder);
  if (!status.ok()) {
    builder.AbandonRow();
    tag_.clear();
    return status;
  }
  builder.SetLabelAndWeight(label_, weight_);
  builder.EndRow();
  return true;
}

absl::StatusOr<std::optional<FieldText>> JsonlFormat::Field(std::string_view name) {
  FieldText field;
  bool is_string = false;
  if (!line_.Find(name, field.text, is_string)) return std::nullopt;
  field.is_json = !is_string;
  if (field.is_json && field.text == "null") return std::nullopt;
  return field;
}

absl::Status JsonlFormat::ParseObject(json::object object, ExampleBatchBuilder& builder) {
  has_label_ = false;
  label_ = 0;
  weight_ = 1;
  absl::Status status = line_.ForEachMember(object, [&](std::string_view key, Member& member) {
    member.path = key;
    return ParseTopMember(member, builder);
  });
  if (status.ok()) status = line_.End();
  if (!status.ok()) return status;
  if (options_.labels_required && !has_label_) {
    return ParseError(1, StrCat("the member ", Quoted(roles_.front().path),
                                " is missing; a row to learn from must have one",
                                options_.label_field.empty() ? "; --label names another" : ""));
  }
  return absl::OkStatus();
}

absl::Status JsonlFormat::ParseTopMember(Member& member, ExampleBatchBuilder& builder) {
  const Role role = RoleOf(member.path);
  if (role == Role::kIgnored) return absl::OkStatus();
  if (member.path == "tag") return ReadTag(member);
  if (member.path == "namespaces") {
    json::json_type type{};
    if (absl::Status s = line_.ReadType(member, type); !s.ok()) return s;
    if (type == json::json_type::array) return AddNamespaces(member, builder);
  }
  return AddValue(member, role, /*index=*/0, /*depth=*/0, builder);
}

absl::Status JsonlFormat::AddValue(Member& member, Role role, size_t index, size_t depth,
                                   ExampleBatchBuilder& builder) {
  if (role == Role::kIgnored) return absl::OkStatus();
  json::json_type type{};
  if (absl::Status s = line_.ReadType(member, type); !s.ok()) return s;
  if (type == json::json_type::null) {
    bool null = false;
    const error_code error = member.value.is_null().get(null);
    return error || !null ? line_.Malformed(error ? error : simdjson::N_ATOM_ERROR)
                          : absl::OkStatus();
  }
  if (role == Role::kLabel) return ReadLabel(member);
  if (role == Role::kWeight) return ReadWeight(member);
  if (role == Role::kTime) return AddTime(member, builder);
  if (member.name.empty()) index = builder.Namespace(member.path);
  if (type == json::json_type::object) return AddMembers(member, index, depth, builder);
  if (type == json::json_type::array) return AddArray(member, index, builder);
  if (type == json::json_type::string) return AddText(member, role, index, builder);
  float number = 1;
  std::string_view name = member.name.empty() ? member.path : member.name;
  if (type == json::json_type::boolean) {
    bool yes = false;
    if (const error_code error = member.value.get_bool().get(yes)) return line_.Malformed(error);
    name = CategoryName(member, yes ? "true" : "false");
  } else {
    if (!missing_.none_given() && missing_.IsGiven(TokenOf(member.value))) return absl::OkStatus();
    if (absl::Status status = line_.ReadNumber(member, number); !status.ok()) return status;
  }
  builder.AddFeature(index, name, HashFeature(name, builder.namespace_hash(index)), number);
  return absl::OkStatus();
}

// Inside an object, the name of a category includes that of its member, as in k=v.
std::string_view JsonlFormat::CategoryName(const Member& member, std::string_view category) {
  if (member.name.empty()) return category;
  feature_name_.assign(member.name);
  feature_name_.push_back('=');
  feature_name_.append(category);
  return feature_name_;
}

absl::Status JsonlFormat::AddText(Member& member, Role role, size_t index,
                                  ExampleBatchBuilder& builder) {
  std::string_view text;
  if (const error_code error = member.value.get_string().get(text)) return line_.Malformed(error);
  const std::string_view trimmed = TrimBlanks(text);
  if (text.empty() || missing_.IsGiven(trimmed)) return absl::OkStatus();
  float number = 1;
  if (role == Role::kNumber) {
    if (!ParseFiniteFloat(trimmed, number)) {
      if (trimmed.empty() || missing_.IsUsual(trimmed)) return absl::OkStatus();
      return JsonLine::MemberError(member,
                                   StrCat("is ", Quoted(text), "; it must be a finite number"));
    }
    text = member.name.empty() ? member.path : member.name;
  } else {
    text = CategoryName(member, text);
  }
  builder.AddFeature(index, text, HashFeature(text, builder.namespace_hash(index)), number);
  return absl::OkStatus();
}

// Text becomes a category. Numbers, true and false are named by their position in the array.
absl::Status JsonlFormat::AddArray(Member& member, size_t index, ExampleBatchBuilder& builder) {
  json::array array;
  if (const error_code error = member.value.get_array().get(array)) return line_.Malformed(error);
  const std::string name(member.name);
  size_t place = 0;
  for (auto result : array) {
    Member element{member.path, member.name, member.column, {}};
    if (const error_code error = result.get(element.value)) return line_.Malformed(error);
    json::json_type type{};
    if (absl::Status s = line_.ReadType(element, type); !s.ok()) return s;
    const size_t i = place++;
    if (type == json::json_type::string) {
      if (absl::Status s = AddText(element, Role::kFeatures, index, builder); !s.ok()) return s;
      continue;
    }
    const std::string path = StrCat(member.path, "[", i, "]");
    element.path = path;
    if (type == json::json_type::array || type == json::json_type::object) {
      return JsonLine::MemberError(
          element, type == json::json_type::array
                       ? "is a list within a list; a list holds text or numbers"
                       : "is an object within a list; a list holds text or numbers");
    }
    const std::string place_name = StrCat(name, name.empty() ? "" : ".", i);
    element.name = place_name;
    if (absl::Status s = AddValue(element, RoleOf(path), index, 0, builder); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status JsonlFormat::AddMembers(Member& member, size_t index, size_t depth,
                                     ExampleBatchBuilder& builder) {
  if (depth == kMaxDepth) {
    return JsonLine::MemberError(member, StrCat("nests deeper than ", kMaxDepth));
  }
  json::object object;
  if (const error_code error = member.value.get_object().get(object)) return line_.Malformed(error);
  if (depth == 0) path_.assign(member.path);
  // Where the part of the path below the namespace begins.
  const size_t name_begin =
      member.name.empty() ? path_.size() + 1 : path_.size() - member.name.size();
  path_.push_back('.');
  const size_t path_size = path_.size();
  return line_.ForEachMember(object, [&](std::string_view key, Member& inner) {
    path_.resize(path_size);
    path_.append(key);
    inner.path = path_;
    inner.name = inner.path.substr(name_begin);
    return AddValue(inner, RoleOf(inner.path), index, depth + 1, builder);
  });
}

absl::Status JsonlFormat::AddTime(Member& member, ExampleBatchBuilder& builder) {
  std::string_view text;
  if (absl::Status status = line_.ReadPlain(member, text); !status.ok()) return status;
  text = TrimBlanks(text);
  if (text.empty() || missing_.IsGiven(text)) return absl::OkStatus();
  CivilTime time{};
  if (times_.Read(text, time)) {
    time_features_->Add(time, builder.Namespace(options_.time_features_field), builder);
    return absl::OkStatus();
  }
  if (missing_.IsUsual(text)) return absl::OkStatus();
  return JsonLine::MemberError(member,
                               StrCat("is ", Quoted(text), "; it must be ", times_.Allowed()));
}

absl::Status JsonlFormat::AddNamespaces(Member& member, ExampleBatchBuilder& builder) {
  json::array array;
  if (const error_code error = member.value.get_array().get(array)) return line_.Malformed(error);
  size_t index = 0;  // Of a namespace named like the member; created only if text needs it.
  bool has_index = false;
  size_t place = 0;
  for (auto result : array) {
    const std::string path = StrCat("namespaces[", place++, "]");
    Member element{path, {}, member.column, {}};
    if (const error_code error = result.get(element.value)) return line_.Malformed(error);
    json::json_type type{};
    if (absl::Status s = line_.ReadType(element, type); !s.ok()) return s;
    if (type == json::json_type::object) {
      if (absl::Status s = proto_namespaces_.Add(element, line_, builder); !s.ok()) return s;
    } else if (type == json::json_type::string) {
      if (!has_index) index = builder.Namespace(member.path);
      has_index = true;
      if (absl::Status s = AddText(element, Role::kFeatures, index, builder); !s.ok()) return s;
    } else {
      return JsonLine::MemberError(element,
                                   type == json::json_type::array
                                       ? "is a list within a list; write namespaces as one list"
                                       : "must be a namespace or text");
    }
  }
  return absl::OkStatus();
}

absl::Status JsonlFormat::ReadLabel(Member& member) {
  if (has_label_) return JsonLine::MemberError(member, "occurs twice");
  if (!options_.labels_required) return absl::OkStatus();
  // A fast path: most labels are plain numbers.
  double number = 0;
  if (labels_.takes_numbers_as_they_are() && missing_.none_given() &&
      member.value.get_double().get(number) == simdjson::SUCCESS &&
      std::isfinite(static_cast<float>(number))) {
    label_ = static_cast<float>(number);
    has_label_ = true;
    return absl::OkStatus();
  }
  std::string_view text;
  if (absl::Status status = line_.ReadPlain(member, text); !status.ok()) return status;
  text = TrimBlanks(text);
  if (text.empty() || missing_.IsGiven(text)) return absl::OkStatus();
  if (!labels_.Read(text, label_)) {
    return JsonLine::MemberError(member, StrCat("is ", labels_.Complaint(text)));
  }
  has_label_ = true;
  return absl::OkStatus();
}

absl::Status JsonlFormat::ReadWeight(Member& member) {
  if (!options_.labels_required) return absl::OkStatus();
  if (absl::Status status = line_.ReadNumber(member, weight_); !status.ok()) return status;
  return weight_ >= 0 ? absl::OkStatus() : JsonLine::MemberError(member, "must be at least 0");
}

absl::Status JsonlFormat::ReadTag(Member& member) {
  std::string_view text;
  const error_code no_text = member.value.get_string().get(text);
  if (no_text == simdjson::SUCCESS) {
    tag_.assign(text);
    return absl::OkStatus();
  }
  if (no_text != simdjson::INCORRECT_TYPE) return line_.Malformed(no_text);
  json::json_type type{};
  if (absl::Status s = line_.ReadType(member, type); !s.ok()) return s;
  if (type == json::json_type::null) {
    bool null = false;
    if (member.value.is_null().get(null) || !null) return line_.Malformed(simdjson::N_ATOM_ERROR);
    return absl::OkStatus();
  }
  if (type != json::json_type::number) {
    return JsonLine::MemberError(member, "must be a string or a number");
  }
  if (absl::Status status = line_.ReadPlain(member, text); !status.ok()) return status;
  tag_.assign(text);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowFormat>> MakeJsonlFormat(FormatOptions options) {
  absl::StatusOr<LabelReader> labels =
      LabelReader::Make({.positive = options.positive, .takes_words = true});
  if (!labels.ok()) return labels.status();
  absl::StatusOr<TimeReader> times = TimeReader::Make(options.time_format);
  if (!times.ok()) return times.status();
  return std::make_unique<JsonlFormat>(std::move(options), *std::move(labels), *std::move(times));
}

}  // namespace freshet
