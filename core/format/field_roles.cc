#include "core/format/field_roles.h"

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr std::string_view kDefaultLabelField = "label";

// The fields that options name, in the order in which errors about them are reported.
std::vector<MergedField> FlaggedFields(const FormatOptions& options) {
  std::vector<MergedField> out;
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
  add(options.event_id_field, FieldRole::kEventId, "--event-id");
  // An event's time may be an input of the model, too, if somebody says so.
  const std::string& time = options.event_time_field;
  const bool is_listed = (options.mapping && options.mapping->Find(time) != nullptr) ||
                         std::any_of(out.begin(), out.end(), [&time](const MergedField& field) {
                           return field.mapping.field == time;
                         });
  if (!is_listed) add(time, FieldRole::kIgnored, "--time");
  return out;
}

bool HasLabel(const InputMapping& mapping) {
  return std::any_of(mapping.fields.begin(), mapping.fields.end(),
                     [](const FieldMapping& field) { return field.role == FieldRole::kLabel; });
}

}  // namespace

std::vector<MergedField> MergedFields(const FormatOptions& options) {
  std::vector<MergedField> fields = FlaggedFields(options);
  if (!options.mapping) return fields;
  const size_t flagged = fields.size();
  const auto any_flagged = [&](const auto& test) {
    return std::any_of(fields.begin(), fields.begin() + static_cast<std::ptrdiff_t>(flagged),
                       [&](const MergedField& field) { return test(field.mapping); });
  };
  for (FieldMapping mapped : options.mapping->fields) {
    if (any_flagged([&](const FieldMapping& field) { return field.field == mapped.field; })) {
      continue;
    }
    const bool is_unique = mapped.role == FieldRole::kLabel || mapped.role == FieldRole::kWeight ||
                           mapped.role == FieldRole::kEventId;
    if (is_unique &&
        any_flagged([&](const FieldMapping& field) { return field.role == mapped.role; })) {
      mapped.role = FieldRole::kIgnored;
    }
    fields.push_back({std::move(mapped), ""});
  }
  return fields;
}

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

absl::Status FieldRoles::AddAll(const FormatOptions& options) {
  for (const MergedField& field : MergedFields(options)) {
    if (absl::Status status = Add(field.mapping, field.flag); !status.ok()) return status;
    if (field.mapping.role == FieldRole::kLabel) {
      label_field_ = field.mapping.field;
      label_is_named_ = true;
    }
    if (field.flag.empty() && fields_.back().gives_features()) ++mapped_input_count_;
  }
  return absl::OkStatus();
}

absl::StatusOr<FieldRoles> FieldRoles::Make(const FormatOptions& options) {
  FieldRoles roles;
  if (options.label_field.empty() && !(options.mapping && HasLabel(*options.mapping))) {
    roles.label_field_ = kDefaultLabelField;
    absl::Status status = roles.Add({roles.label_field_, FieldRole::kLabel}, "");
    if (!status.ok()) return status;
  }
  if (options.mapping) {
    if (absl::Status status = CheckInputMapping(*options.mapping); !status.ok()) return status;
    if (options.mapping->ignore_unlisted) roles.unlisted_ = FieldRole::kIgnored;
  }
  if (absl::Status status = roles.AddAll(options); !status.ok()) return status;
  return roles;
}

absl::StatusOr<std::shared_ptr<const PreparedInput>> PrepareInput(const FormatOptions& options) {
  TextRules rules = TextRulesOf(options);
  absl::StatusOr<LabelReader> labels = LabelReader::Make(
      {.positive = rules.positive, .takes_words = true, .mark = rules.decimal_mark});
  if (!labels.ok()) return labels.status();
  absl::StatusOr<FieldRoles> roles = FieldRoles::Make(options);
  if (!roles.ok()) return roles.status();
  return std::make_shared<const PreparedInput>(
      PreparedInput{std::move(rules), *std::move(roles), *std::move(labels),
                    !options.label_field.empty(), options.is_event});
}

std::vector<std::string> DescribeOverrides(const FormatOptions& options) {
  std::vector<std::string> out;
  if (!options.mapping) return out;
  const InputMapping& mapping = *options.mapping;
  for (const MergedField& field : FlaggedFields(options)) {
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
