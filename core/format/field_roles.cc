#include "core/format/field_roles.h"

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr std::string_view kDefaultLabelField = "label";

struct FlaggedField {
  FieldMapping mapping;
  std::string_view flag;
};

// The fields that options name, in the order in which errors about them are reported.
std::vector<FlaggedField> FlaggedFields(const FormatOptions& options) {
  std::vector<FlaggedField> out;
  const auto add = [&](const std::string& field, FieldRole role, std::string_view flag) {
    if (!field.empty()) out.push_back({{field, role}, flag});
  };
  add(options.label_field, FieldRole::kLabel, "--label");
  add(options.weight_field, FieldRole::kWeight, "--weight");
  for (const std::string& field : options.numeric_fields) {
    add(field, FieldRole::kNumber, "--numeric");
  }
  for (const std::string& field : options.ignore_fields) {
    add(field, FieldRole::kIgnored, "--ignore");
  }
  add(options.time_features_field, FieldRole::kTime, "--time-features");
  if (!options.time_features_field.empty()) out.back().mapping.time_format = options.time_format;
  return out;
}

bool HasLabel(const InputMapping& mapping) {
  return std::any_of(mapping.fields.begin(), mapping.fields.end(),
                     [](const FieldMapping& field) { return field.role == FieldRole::kLabel; });
}

}  // namespace

absl::Status FieldRoles::Add(const FieldMapping& mapping, std::string_view flag) {
  FieldInRole field{mapping.field, mapping.role, mapping.feature_namespace, flag, nullptr};
  if (mapping.role == FieldRole::kTime) {
    absl::StatusOr<TimeReader> reader = TimeReader::Make(mapping.time_format);
    if (!reader.ok()) return reader.status();
    field.time = std::make_shared<const TimeField>(TimeField{
        *std::move(reader),
        TimeFeatures(HashNamespace(TimeNamespaceOf(mapping.field, mapping.feature_namespace)))});
  }
  // If options name a field twice, the first one counts; csv and tsv report the second.
  indices_.emplace(mapping.field, fields_.size());
  sizes_ |= SizeBit(mapping.field);
  for (size_t dot = mapping.field.find('.'); dot != std::string::npos;
       dot = mapping.field.find('.', dot + 1)) {
    parents_.insert(mapping.field.substr(0, dot));
  }
  fields_.push_back(std::move(field));
  return absl::OkStatus();
}

absl::Status FieldRoles::AddFlags(const FormatOptions& options) {
  for (const FlaggedField& field : FlaggedFields(options)) {
    if (absl::Status status = Add(field.mapping, field.flag); !status.ok()) return status;
    if (field.mapping.role == FieldRole::kLabel) {
      label_field_ = field.mapping.field;
      label_is_named_ = true;
    }
  }
  return absl::OkStatus();
}

absl::Status FieldRoles::AddMapping(const InputMapping& mapping) {
  if (absl::Status status = CheckInputMapping(mapping); !status.ok()) return status;
  const auto flagged = [this](FieldRole role) {
    return std::any_of(fields_.begin(), fields_.end(), [role](const FieldInRole& field) {
      return field.role == role && !field.flag.empty();
    });
  };
  const bool other_label = flagged(FieldRole::kLabel);
  const bool other_weight = flagged(FieldRole::kWeight);
  for (const FieldMapping& field : mapping.fields) {
    if (Find(field.field) != nullptr) continue;
    FieldMapping added = field;
    const bool replaced = (field.role == FieldRole::kLabel && other_label) ||
                          (field.role == FieldRole::kWeight && other_weight);
    // A former label must not become a feature.
    if (replaced) added.role = FieldRole::kIgnored;
    if (absl::Status status = Add(added, ""); !status.ok()) return status;
    if (added.role == FieldRole::kLabel) {
      label_field_ = added.field;
      label_is_named_ = true;
    }
    mapped_input_count_ += fields_.back().gives_features() ? 1 : 0;
  }
  if (mapping.ignore_unlisted) unlisted_ = FieldRole::kIgnored;
  return absl::OkStatus();
}

absl::StatusOr<FieldRoles> FieldRoles::Make(const FormatOptions& options) {
  FieldRoles roles;
  if (options.label_field.empty() && !(options.mapping && HasLabel(*options.mapping))) {
    roles.label_field_ = kDefaultLabelField;
    absl::Status status = roles.Add({roles.label_field_, FieldRole::kLabel}, "");
    if (!status.ok()) return status;
  }
  if (absl::Status status = roles.AddFlags(options); !status.ok()) return status;
  if (!options.mapping) return roles;
  if (absl::Status status = roles.AddMapping(*options.mapping); !status.ok()) return status;
  return roles;
}

absl::StatusOr<std::shared_ptr<const PreparedInput>> PrepareInput(const FormatOptions& options) {
  TextRules rules = TextRulesOf(options);
  absl::StatusOr<LabelReader> labels = LabelReader::Make(
      {.positive = rules.positive, .takes_words = true, .mark = rules.decimal_mark});
  if (!labels.ok()) return labels.status();
  absl::StatusOr<FieldRoles> roles = FieldRoles::Make(options);
  if (!roles.ok()) return roles.status();
  return std::make_shared<const PreparedInput>(PreparedInput{
      std::move(rules), *std::move(roles), *std::move(labels), !options.label_field.empty()});
}

std::vector<std::string> DescribeOverrides(const FormatOptions& options) {
  std::vector<std::string> out;
  if (!options.mapping) return out;
  const InputMapping& mapping = *options.mapping;
  for (const FlaggedField& field : FlaggedFields(options)) {
    const FieldMapping* const mapped = mapping.Find(field.mapping.field);
    const FieldRole role =
        mapped == nullptr ? (mapping.ignore_unlisted ? FieldRole::kIgnored : FieldRole::kByType)
                          : mapped->role;
    if (role == field.mapping.role) continue;
    out.push_back(StrCat(field.flag, " reads ", Quoted(field.mapping.field), " as ",
                         FieldRoleName(field.mapping.role), "; the model's input mapping says ",
                         FieldRoleName(role)));
  }
  if (!options.positive.empty() && options.positive != mapping.positive) {
    out.push_back(StrCat("--positive is ", Quoted(options.positive),
                         "; the model's input mapping says ",
                         mapping.positive.empty() ? "nothing of it" : Quoted(mapping.positive)));
  }
  return out;
}

}  // namespace freshet
