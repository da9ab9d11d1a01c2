// What the fields of rows mean: which one is the label, which are numbers, which are left out. A
// model keeps one mapping, so that the same row gives the same features to whoever sends it.

#ifndef FRESHET_CORE_FORMAT_INPUT_MAPPING_H_
#define FRESHET_CORE_FORMAT_INPUT_MAPPING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/format/number.h"

namespace freshet {

// What a field is. The numbers are those of the enum FieldRole in proto/freshet/v1.
enum class FieldRole : uint8_t {
  kByType = 0,    // A cell or text is a category. In JSON, a number is a value.
  kCategory = 1,  // One feature, named by the text, also if the text is a number.
  kNumber = 2,    // One feature, named like the field, with the number as its value.
  kText = 3,      // A feature for each word, in lower case (see TextWords).
  kTime = 4,      // Categories that recur: hour, weekday, weekday with hour, month with day.
  kLabel = 5,
  kWeight = 6,   // The importance weight, a number >= 0.
  kEventId = 7,  // Identifies the row: the tag of its prediction. Not a feature.
  kIgnored = 8,
};

// "category", "number" and so on; "auto" for kByType and "ignore" for kIgnored.
std::string_view FieldRoleName(FieldRole role);
// The inverse; nothing if no role has the name.
std::optional<FieldRole> FieldRoleNamed(std::string_view name);

struct FieldMapping {
  // A column of csv or tsv, or a member of a JSON object: the path of a member of a nested object
  // has points between the names, as in "user.age". What is said of an object or array also holds
  // for what is in it, unless a longer path says otherwise.
  std::string field;
  FieldRole role = FieldRole::kByType;
  // The namespace of the field's features. Empty: the name of the column, or of the outermost
  // member. If it is given, names of features begin with the field, as in "carrier=AA".
  std::string feature_namespace = {};
  std::string time_format = {};  // For kTime: see TimeReader. Empty: any of the usual forms.

  bool operator==(const FieldMapping&) const = default;
};

struct InputMapping {
  std::vector<FieldMapping> fields;  // At most kMaxMappedFields, each field once.
  // Whether fields that are not listed are left out. False: their role is kByType.
  bool ignore_unlisted = false;
  // See the members of the same name of FormatOptions.
  std::string positive = {};
  std::optional<std::vector<std::string>> missing = {};
  std::string delimiter = {};
  DecimalMark decimal_mark = DecimalMark::kPoint;
  bool keep_blanks = false;

  bool operator==(const InputMapping&) const = default;

  // Null if the field is not listed.
  const FieldMapping* Find(std::string_view field) const;
  FieldMapping* Find(std::string_view field) {
    return const_cast<FieldMapping*>(std::as_const(*this).Find(field));
  }
};

inline constexpr size_t kMaxMappedFields = 4096;
inline constexpr size_t kMaxTimeFields = 64;  // Of kMaxMappedFields: each takes some 100 kB.
// Of all names and texts of a mapping together.
inline constexpr size_t kMaxMappingBytes = size_t{256} << 10;

// INVALID_ARGUMENT, which names the field and the reason, if the mapping is too large, names a
// field twice, has two labels, weights or event ids, or has a malformed `positive`, `delimiter` or
// time format.
absl::Status CheckInputMapping(const InputMapping& mapping);

// Reads FIELD=ROLE, FIELD=time:FORMAT, each with @NAMESPACE after the role if the features belong
// to that namespace: "user.age=number", "day=time:%d.%m.%Y", "carrier=category@flight".
absl::StatusOr<FieldMapping> ParseFieldMapping(std::string_view text);

// The inverse of ParseFieldMapping().
std::string FieldMappingText(const FieldMapping& field);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_INPUT_MAPPING_H_
