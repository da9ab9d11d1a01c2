#include "core/format/jsonl_format.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/format/civil_time.h"
#include "core/format/field_roles.h"
#include "core/format/json_line.h"
#include "core/format/label_rule.h"
#include "core/format/missing_words.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"
#include "core/format/proto_json.h"
#include "core/format/text_words.h"

namespace freshet {
namespace {

namespace json = simdjson::ondemand;
using simdjson::error_code;

// The maximum nesting of objects.
constexpr size_t kMaxDepth = 64;

using Member = JsonMember;

class JsonlFormat final : public RowFormat {
 public:
  JsonlFormat(bool labels_required, std::shared_ptr<const PreparedInput> input)
      : labels_required_(labels_required),
        input_(std::move(input)),
        missing_(rules_.missing),
        has_weight_field_(HasRole(roles_, FieldRole::kWeight)) {
    unlisted_.role = roles_.unlisted();
    weight_.role = FieldRole::kWeight;
  }

  void BeginFile(std::string_view path) override;
  absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) override;
  std::string_view tag() const override { return tag_; }
  absl::StatusOr<std::optional<FieldText>> Field(std::string_view name) override;

 private:
  static bool HasRole(const FieldRoles& roles, FieldRole role) {
    return std::any_of(roles.fields().begin(), roles.fields().end(),
                       [role](const FieldInRole& field) { return field.role == role; });
  }

  // The field that says what `path` is: itself, else `around`, which holds for the object or array
  // that it is in.
  const FieldInRole& FieldOf(std::string_view path, const FieldInRole& around);
  void NoteUnlisted(std::string_view path);
  void WarnOfLackingFields();
  absl::Status ParseObject(json::object object, ExampleBatchBuilder& builder);
  absl::Status ParseTopMember(Member& member, ExampleBatchBuilder& builder);
  // Adds the features of a value, which `field` describes, to the namespace `index`.
  absl::Status AddValue(Member& member, const FieldInRole& field, size_t index, size_t depth,
                        ExampleBatchBuilder& builder);
  absl::Status AddPlain(Member& member, json::json_type type, FieldRole role, size_t index,
                        ExampleBatchBuilder& builder);
  absl::Status AddText(Member& member, FieldRole role, size_t index, ExampleBatchBuilder& builder);
  absl::Status AddNumber(Member& member, size_t index, ExampleBatchBuilder& builder);
  void AddCategory(const Member& member, std::string_view category, size_t index,
                   ExampleBatchBuilder& builder);
  absl::Status AddArray(Member& member, const FieldInRole& field, size_t index,
                        ExampleBatchBuilder& builder);
  absl::Status AddMembers(Member& member, const FieldInRole& field, size_t index, size_t depth,
                          ExampleBatchBuilder& builder);
  absl::Status AddTime(Member& member, const FieldInRole& field, ExampleBatchBuilder& builder);
  // Adds the features of the member "namespaces" if it is a list.
  absl::Status AddNamespaces(Member& member, ExampleBatchBuilder& builder);
  absl::Status ReadLabel(Member& member);
  absl::Status ReadWeight(Member& member);
  absl::Status ReadTag(Member& member);

  const bool labels_required_;
  const std::shared_ptr<const PreparedInput> input_;
  const TextRules& rules_ = input_->rules;
  const FieldRoles& roles_ = input_->roles;
  const LabelReader& labels_ = input_->labels;
  const MissingWords missing_;
  const bool has_weight_field_;
  FieldInRole weight_;    // Describes the member "weight" if no field is named as the weight.
  FieldInRole unlisted_;  // Describes every field that is not listed.
  std::unordered_set<std::string> noted_;  // Fields that NoteUnlisted() warned of.

  JsonLine line_;
  ProtoNamespaceReader proto_namespaces_;
  std::string tag_;
  std::string path_;  // The path of the nested member being parsed.
  std::string feature_name_;
  TextWords words_;

  // State of the row being parsed.
  bool has_label_ = false;
  float label_ = 0;
  float row_weight_ = 1;
  size_t mapped_inputs_ = 0;  // Its fields that the model's mapping lists as inputs.
};

void JsonlFormat::BeginFile(std::string_view /*path*/) {
  noted_.clear();
  ForgetWarnings();
}

const FieldInRole& JsonlFormat::FieldOf(std::string_view path, const FieldInRole& around) {
  const FieldInRole* const field = roles_.Find(path);
  if (field == nullptr) return around;
  if (field->flag.empty() && field->gives_features()) ++mapped_inputs_;
  return *field;
}

void JsonlFormat::NoteUnlisted(std::string_view path) {
  if (roles_.mapped_input_count() == 0 || noted_.size() >= kMaxWarnings) return;
  // While it learns, a model may meet fields that are rare.
  if (labels_required_ && roles_.unlisted() == FieldRole::kByType) return;
  if (!noted_.insert(std::string(path)).second) return;
  Warn(StrCat("member ", Quoted(path), " is not in the model's input mapping and is ",
              roles_.unlisted() == FieldRole::kIgnored ? "left out" : "read by its type",
              "; 'freshet models update' with --map ", Quoted(StrCat(path, "=category")),
              " adds it"));
}

// A row may lack fields, but one that lacks most of them hardly is what the model learned from.
void JsonlFormat::WarnOfLackingFields() {
  const size_t listed = roles_.mapped_input_count();
  if (2 * mapped_inputs_ >= listed) return;
  Warn(StrCat("column 1: the row has ", mapped_inputs_, " of the ", listed,
              " fields that the model's input mapping lists as inputs"));
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
  builder.SetLabelAndWeight(label_, row_weight_);
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
  row_weight_ = 1;
  mapped_inputs_ = 0;
  absl::Status status = line_.ForEachMember(object, [&](std::string_view key, Member& member) {
    member.path = key;
    return ParseTopMember(member, builder);
  });
  if (status.ok()) status = line_.End();
  if (!status.ok()) return status;
  if (labels_required_ && !has_label_) {
    return ParseError(1, StrCat("the member ", Quoted(roles_.label_field()),
                                " is missing; a row to learn from must have one",
                                input_->label_has_flag ? "" : "; --label names another"));
  }
  if (roles_.mapped_input_count() > 0) WarnOfLackingFields();
  return absl::OkStatus();
}

absl::Status JsonlFormat::ParseTopMember(Member& member, ExampleBatchBuilder& builder) {
  const FieldInRole& field = FieldOf(member.path, unlisted_);
  if (&field == &unlisted_) {
    if (member.path == "tag") return ReadTag(member);
    if (member.path == "weight" && !has_weight_field_) {
      return AddValue(member, weight_, /*index=*/0, /*depth=*/0, builder);
    }
    if (member.path == "namespaces") {
      json::json_type type{};
      if (absl::Status s = line_.ReadType(member, type); !s.ok()) return s;
      if (type == json::json_type::array) return AddNamespaces(member, builder);
    }
  }
  return AddValue(member, field, /*index=*/0, /*depth=*/0, builder);
}

absl::Status JsonlFormat::AddValue(Member& member, const FieldInRole& field, size_t index,
                                   size_t depth, ExampleBatchBuilder& builder) {
  const bool has_below = roles_.HasBelow(member.path);
  if (&field == &unlisted_ && !has_below) NoteUnlisted(member.path);
  if (field.role == FieldRole::kIgnored && !has_below) return absl::OkStatus();
  json::json_type type{};
  if (absl::Status s = line_.ReadType(member, type); !s.ok()) return s;
  if (type == json::json_type::null) {
    bool null = false;
    const error_code error = member.value.is_null().get(null);
    return error || !null ? line_.Malformed(error ? error : simdjson::N_ATOM_ERROR)
                          : absl::OkStatus();
  }
  if (field.role == FieldRole::kLabel) return ReadLabel(member);
  if (field.role == FieldRole::kWeight) return ReadWeight(member);
  if (field.role == FieldRole::kEventId) return ReadTag(member);
  const bool is_object = type == json::json_type::object;
  if (field.role == FieldRole::kIgnored && !is_object) return absl::OkStatus();
  if (field.role == FieldRole::kTime) return AddTime(member, field, builder);
  if (!field.feature_namespace.empty()) {
    index = builder.Namespace(field.feature_namespace);
    member.name = member.path;
  } else if (member.name.empty()) {
    index = builder.Namespace(member.path);
  }
  if (is_object) return AddMembers(member, field, index, depth, builder);
  if (type == json::json_type::array) return AddArray(member, field, index, builder);
  return AddPlain(member, type, field.role, index, builder);
}

// Adds a string, a number, true or false.
absl::Status JsonlFormat::AddPlain(Member& member, json::json_type type, FieldRole role,
                                   size_t index, ExampleBatchBuilder& builder) {
  if (type == json::json_type::string) return AddText(member, role, index, builder);
  if (type == json::json_type::boolean) {
    bool yes = false;
    if (const error_code error = member.value.get_bool().get(yes)) return line_.Malformed(error);
    AddCategory(member, yes ? "true" : "false", index, builder);
    return absl::OkStatus();
  }
  if (!missing_.none_given() && missing_.IsGiven(TokenOf(member.value))) return absl::OkStatus();
  if (role == FieldRole::kByType || role == FieldRole::kNumber) {
    return AddNumber(member, index, builder);
  }
  // The text of the number, so that no digit of an id is lost.
  std::string_view text;
  if (absl::Status status = line_.ReadPlain(member, text); !status.ok()) return status;
  AddCategory(member, TrimBlanks(text), index, builder);
  return absl::OkStatus();
}

absl::Status JsonlFormat::AddNumber(Member& member, size_t index, ExampleBatchBuilder& builder) {
  float number = 1;
  if (absl::Status status = line_.ReadNumber(member, number); !status.ok()) return status;
  const std::string_view name = member.name.empty() ? member.path : member.name;
  builder.AddFeature(index, name, HashFeature(name, builder.namespace_hash(index)), number);
  return absl::OkStatus();
}

// Inside an object, the name of a category includes that of its member, as in k=v.
void JsonlFormat::AddCategory(const Member& member, std::string_view category, size_t index,
                              ExampleBatchBuilder& builder) {
  if (!member.name.empty()) {
    feature_name_.assign(member.name).append("=").append(category);
    category = feature_name_;
  }
  builder.AddFeature(index, category, HashFeature(category, builder.namespace_hash(index)), 1);
}

absl::Status JsonlFormat::AddText(Member& member, FieldRole role, size_t index,
                                  ExampleBatchBuilder& builder) {
  std::string_view text;
  if (const error_code error = member.value.get_string().get(text)) return line_.Malformed(error);
  const std::string_view trimmed = TrimBlanks(text);
  if (text.empty() || missing_.IsGiven(trimmed)) return absl::OkStatus();
  if (role == FieldRole::kText) {
    words_.Begin(text);
    for (std::string_view word; words_.Next(word);) AddCategory(member, word, index, builder);
    return absl::OkStatus();
  }
  if (role != FieldRole::kNumber) {
    AddCategory(member, text, index, builder);
    return absl::OkStatus();
  }
  float number = 1;
  if (!ParseFiniteFloat(trimmed, number)) {
    if (trimmed.empty() || missing_.IsUsual(trimmed)) return absl::OkStatus();
    return JsonLine::MemberError(member,
                                 StrCat("is ", Quoted(text), "; it must be a finite number"));
  }
  const std::string_view name = member.name.empty() ? member.path : member.name;
  builder.AddFeature(index, name, HashFeature(name, builder.namespace_hash(index)), number);
  return absl::OkStatus();
}

// Text becomes a category. Numbers, true and false are named by their position in the array, unless
// the field says that its elements are categories.
absl::Status JsonlFormat::AddArray(Member& member, const FieldInRole& field, size_t index,
                                   ExampleBatchBuilder& builder) {
  json::array array;
  if (const error_code error = member.value.get_array().get(array)) return line_.Malformed(error);
  const std::string name(member.name);
  const bool bag = field.role == FieldRole::kCategory || field.role == FieldRole::kText;
  size_t place = 0;
  for (auto result : array) {
    Member element{member.path, member.name, member.column, {}};
    if (const error_code error = result.get(element.value)) return line_.Malformed(error);
    json::json_type type{};
    if (absl::Status s = line_.ReadType(element, type); !s.ok()) return s;
    const size_t i = place++;
    if (type == json::json_type::string && field.role != FieldRole::kNumber) {
      if (absl::Status s = AddText(element, field.role, index, builder); !s.ok()) return s;
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
    if (bag && type != json::json_type::null) {
      if (absl::Status s = AddPlain(element, type, field.role, index, builder); !s.ok()) return s;
      continue;
    }
    const std::string place_name = StrCat(name, name.empty() ? "" : ".", i);
    element.name = place_name;
    const FieldInRole& own = FieldOf(path, field);
    if (absl::Status s = AddValue(element, own, index, 0, builder); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status JsonlFormat::AddMembers(Member& member, const FieldInRole& field, size_t index,
                                     size_t depth, ExampleBatchBuilder& builder) {
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
    return AddValue(inner, FieldOf(inner.path, field), index, depth + 1, builder);
  });
}

absl::Status JsonlFormat::AddTime(Member& member, const FieldInRole& field,
                                  ExampleBatchBuilder& builder) {
  std::string_view text;
  if (absl::Status status = line_.ReadPlain(member, text); !status.ok()) return status;
  text = TrimBlanks(text);
  if (text.empty() || missing_.IsGiven(text)) return absl::OkStatus();
  CivilTime read{};
  if (field.time->reader.Read(text, read)) {
    field.time->features.Add(
        read, builder.Namespace(TimeNamespaceOf(field.field, field.feature_namespace)), builder);
    return absl::OkStatus();
  }
  if (missing_.IsUsual(text)) return absl::OkStatus();
  return JsonLine::MemberError(
      member, StrCat("is ", Quoted(text), "; it must be ", field.time->reader.Allowed()));
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
      if (absl::Status s = AddText(element, FieldRole::kByType, index, builder); !s.ok()) return s;
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
  if (!labels_required_) return absl::OkStatus();
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
  if (!labels_required_ && !input_->is_event) return absl::OkStatus();
  if (absl::Status status = line_.ReadNumber(member, row_weight_); !status.ok()) return status;
  return row_weight_ >= 0 ? absl::OkStatus() : JsonLine::MemberError(member, "must be at least 0");
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

absl::StatusOr<std::unique_ptr<RowFormat>> MakeJsonlFormat(const FormatOptions& options) {
  absl::StatusOr<std::shared_ptr<const PreparedInput>> input = PrepareInput(options);
  if (!input.ok()) return input.status();
  return MakeJsonlFormat(options.labels_required, *std::move(input));
}

std::unique_ptr<RowFormat> MakeJsonlFormat(bool labels_required,
                                           std::shared_ptr<const PreparedInput> input) {
  return std::make_unique<JsonlFormat>(labels_required, std::move(input));
}

}  // namespace freshet
