// The roles of the fields of csv, tsv and jsonl, from options and the model's input mapping.

#ifndef FRESHET_CORE_FORMAT_FIELD_ROLES_H_
#define FRESHET_CORE_FORMAT_FIELD_ROLES_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/format/civil_time.h"
#include "core/format/input_mapping.h"
#include "core/format/label_rule.h"
#include "core/format/row_format.h"
#include "core/format/time_features.h"

namespace freshet {

// How to read the times of one field.
struct TimeField {
  TimeReader reader;
  TimeFeatures features;
};

struct FieldInRole {
  std::string field;
  FieldRole role = FieldRole::kByType;
  std::string feature_namespace;  // Empty: see FieldMapping.
  // The option that gave the role, as in "--label". Empty: the model's mapping or a default did.
  std::string_view flag;
  std::shared_ptr<const TimeField> time;  // Only for kTime.

  // Whether the field is an input of the model: neither label nor weight, and not left out.
  bool gives_features() const {
    return role != FieldRole::kLabel && role != FieldRole::kWeight && role != FieldRole::kEventId &&
           role != FieldRole::kIgnored;
  }
};

// The namespace of the features of a time: that of the field, or a namespace of its own, with the
// whole path as its name.
inline std::string_view TimeNamespaceOf(std::string_view field,
                                        std::string_view feature_namespace) {
  return feature_namespace.empty() ? field : feature_namespace;
}

// A field, and the option that names it, as in "--label"; empty: the mapping does.
struct MergedField {
  FieldMapping mapping;
  std::string_view flag;
};

// What the options and their mapping say together: first the fields that options name, in the order
// in which errors about them are reported; then those of the mapping that no option names. If an
// option names another label or weight, the mapping's is left out: it must not become a feature.
std::vector<MergedField> MergedFields(const FormatOptions& options);

// Immutable after Make().
class FieldRoles {
 public:
  // The fields of the options come first; a field of the mapping that an option names takes the
  // role of the option, and an option --label or --weight replaces the mapping's label or weight.
  // INVALID_ARGUMENT for a malformed time format or a malformed mapping.
  static absl::StatusOr<FieldRoles> Make(const FormatOptions& options);

  const std::vector<FieldInRole>& fields() const { return fields_; }

  // Null if the field is not listed.
  const FieldInRole* Find(std::string_view path) const {
    return (sizes_ & SizeBit(path)) == 0 ? nullptr : FindAmong(path);
  }
  // Whether a field below the object `path` is listed, as user.age is below user.
  bool HasBelow(std::string_view path) const {
    return !parents_.empty() && parents_.find(path) != parents_.end();
  }
  // The role of fields that are not listed: kIgnored, or kByType.
  FieldRole unlisted() const { return unlisted_; }
  // The name of the label's field, and whether something names it rather than the default.
  const std::string& label_field() const { return label_field_; }
  bool label_is_named() const { return label_is_named_; }
  // The number of fields that the model's mapping lists as inputs of the model.
  size_t mapped_input_count() const { return mapped_input_count_; }

 private:
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };

  FieldRoles() = default;

  // One of 64 bits, chosen by the size of `path`: a quick check that rules out most fields.
  static uint64_t SizeBit(std::string_view path) { return uint64_t{1} << (path.size() % 64); }

  const FieldInRole* FindAmong(std::string_view path) const {
    const auto found = indices_.find(path);
    return found == indices_.end() ? nullptr : &fields_[found->second];
  }
  absl::Status Add(const FieldMapping& mapping, std::string_view flag);
  absl::Status AddAll(const FormatOptions& options);

  std::vector<FieldInRole> fields_;
  std::unordered_map<std::string, size_t, NameHash, std::equal_to<>> indices_;
  std::unordered_set<std::string, NameHash, std::equal_to<>> parents_;
  uint64_t sizes_ = 0;
  FieldRole unlisted_ = FieldRole::kByType;
  std::string label_field_;
  bool label_is_named_ = false;
  size_t mapped_input_count_ = 0;
};

// All that formats need of their options. Immutable, so that many formats may share it: to make one
// takes some time for each field, and more for each field with times.
struct PreparedInput {
  TextRules rules;
  FieldRoles roles;
  LabelReader labels;
  bool label_has_flag = false;  // Whether --label named the label.
  bool is_event = false;        // See FormatOptions.
};

// For csv, tsv and jsonl. INVALID_ARGUMENT for malformed options or a malformed mapping.
absl::StatusOr<std::shared_ptr<const PreparedInput>> PrepareInput(const FormatOptions& options);

// What the options say of fields that the mapping sees differently, one sentence each, for the user
// to notice. Empty without a mapping.
std::vector<std::string> DescribeOverrides(const FormatOptions& options);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_FIELD_ROLES_H_
