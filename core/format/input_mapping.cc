#include "core/format/input_mapping.h"

#include <algorithm>
#include <unordered_set>

#include "core/base/str_cat.h"
#include "core/base/utf8.h"
#include "core/format/civil_time.h"
#include "core/format/csv_record.h"
#include "core/format/label_rule.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr std::array<std::string_view, 9> kRoleNames = {
    "auto", "category", "number", "text", "time", "label", "weight", "event_id", "ignore"};

constexpr std::string_view kTimePrefix = "time:";

absl::Status BadField(const FieldMapping& field, std::string_view reason) {
  return absl::InvalidArgumentError(
      StrCat("input mapping: field ", Quoted(field.field), " ", reason));
}

absl::Status CheckField(const FieldMapping& field) {
  if (field.field.empty()) {
    return absl::InvalidArgumentError("input mapping: a field has no name");
  }
  if (static_cast<size_t>(field.role) >= kRoleNames.size()) {
    return BadField(field, "has a role that this version does not know");
  }
  if (!field.time_format.empty() && field.role != FieldRole::kTime) {
    return BadField(field, "has a time format, but its role is not time");
  }
  const absl::Status format = TimeReader::Make(field.time_format).status();
  return format.ok() ? format : BadField(field, StrCat(": ", ToStd(format.message())));
}

// Roles that at most one field may have.
bool IsUnique(FieldRole role) {
  return role == FieldRole::kLabel || role == FieldRole::kWeight || role == FieldRole::kEventId;
}

absl::Status CheckFields(const std::vector<FieldMapping>& fields) {
  std::unordered_set<std::string_view> names;
  std::array<const FieldMapping*, kRoleNames.size()> holders = {};
  size_t times = 0;
  for (const FieldMapping& field : fields) {
    if (absl::Status status = CheckField(field); !status.ok()) return status;
    if (!names.insert(field.field).second) return BadField(field, "is listed twice");
    const FieldMapping*& holder = holders[static_cast<size_t>(field.role)];
    if (holder != nullptr && IsUnique(field.role)) {
      return BadField(field, StrCat("is the second ", FieldRoleName(field.role), "; ",
                                    Quoted(holder->field), " is one already"));
    }
    holder = &field;
    times += field.role == FieldRole::kTime ? 1 : 0;
  }
  if (times > kMaxTimeFields) {
    return absl::InvalidArgumentError(StrCat("input mapping: it lists ", times,
                                             " fields with times; it may list ", kMaxTimeFields));
  }
  return absl::OkStatus();
}

absl::Status CheckSize(const InputMapping& mapping) {
  if (mapping.fields.size() > kMaxMappedFields) {
    return absl::InvalidArgumentError(StrCat("input mapping: it lists ", mapping.fields.size(),
                                             " fields; it may list ", kMaxMappedFields));
  }
  size_t bytes = mapping.positive.size();
  bool utf8 = IsUtf8(mapping.positive) && IsUtf8(mapping.delimiter);
  const auto add = [&](const std::string& text) {
    bytes += text.size();
    utf8 = utf8 && IsUtf8(text);
  };
  for (const FieldMapping& field : mapping.fields) {
    add(field.field);
    add(field.feature_namespace);
    add(field.time_format);
  }
  if (mapping.missing) std::for_each(mapping.missing->begin(), mapping.missing->end(), add);
  if (!utf8) return absl::InvalidArgumentError("input mapping: a text in it is not UTF-8");
  if (bytes <= kMaxMappingBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("input mapping: its texts have ", bytes, " bytes; they may have ", kMaxMappingBytes));
}

}  // namespace

std::string_view FieldRoleName(FieldRole role) { return kRoleNames[static_cast<size_t>(role)]; }

std::optional<FieldRole> FieldRoleNamed(std::string_view name) {
  const auto* const found = std::find(kRoleNames.begin(), kRoleNames.end(), name);
  if (found == kRoleNames.end()) return std::nullopt;
  return static_cast<FieldRole>(found - kRoleNames.begin());
}

const FieldMapping* InputMapping::Find(std::string_view field) const {
  for (const FieldMapping& mapped : fields) {
    if (mapped.field == field) return &mapped;
  }
  return nullptr;
}

absl::Status CheckInputMapping(const InputMapping& mapping) {
  if (absl::Status status = CheckSize(mapping); !status.ok()) return status;
  if (absl::Status status = CheckFields(mapping.fields); !status.ok()) return status;
  if (absl::Status status = CheckDelimiter(mapping.delimiter); !status.ok()) return status;
  return LabelReader::Make(
             {.positive = mapping.positive, .takes_words = true, .mark = mapping.decimal_mark})
      .status();
}

absl::StatusOr<FieldMapping> ParseFieldMapping(std::string_view text) {
  // Names of fields may contain '=', roles cannot, but time formats might.
  const size_t time = text.rfind(StrCat("=", kTimePrefix));
  const size_t equals = time == std::string_view::npos ? text.rfind('=') : time;
  if (equals == 0 || equals == std::string_view::npos) {
    return absl::InvalidArgumentError(
        StrCat("--map ", Quoted(text), ": it must be FIELD=ROLE, as in user.age=number"));
  }
  FieldMapping field;
  field.field = text.substr(0, equals);
  std::string_view role = text.substr(equals + 1);
  if (const size_t at = role.rfind('@'); at != std::string_view::npos) {
    field.feature_namespace = role.substr(at + 1);
    role = role.substr(0, at);
  }
  if (role.starts_with(kTimePrefix)) {
    field.time_format = role.substr(kTimePrefix.size());
    role = role.substr(0, kTimePrefix.size() - 1);
  }
  const std::optional<FieldRole> named = FieldRoleNamed(role);
  if (!named) {
    return absl::InvalidArgumentError(
        StrCat("--map ", Quoted(text), ": unknown role ", Quoted(role),
               "; the roles are category, number, text, time, time:FORMAT, label, weight, "
               "event_id, ignore and auto, each optionally with @NAMESPACE"));
  }
  field.role = *named;
  if (absl::Status status = CheckField(field); !status.ok()) return status;
  return field;
}

std::string FieldMappingText(const FieldMapping& field) {
  return StrCat(field.field, "=", FieldRoleName(field.role), field.time_format.empty() ? "" : ":",
                field.time_format, field.feature_namespace.empty() ? "" : "@",
                field.feature_namespace);
}

}  // namespace freshet
