// Proposes what the fields of a file mean, by their names and by the values in its first rows.

#ifndef FRESHET_CORE_FORMAT_MAPPING_PROPOSAL_H_
#define FRESHET_CORE_FORMAT_MAPPING_PROPOSAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/format/input_mapping.h"
#include "core/format/input_sample.h"
#include "core/format/row_format.h"

namespace freshet {

enum class LabelKind : uint8_t { kNone, kBinary, kNumeric };

struct ProposedField {
  FieldMapping mapping;
  std::string reason;  // Why, as in "all different" or "--numeric"; for people.
};

struct MappingProposal {
  InputMapping mapping;
  std::vector<ProposedField> fields;  // Those of the mapping, in its order.
  // kNone: no field is the label.
  LabelKind label_kind = LabelKind::kNone;
  // Words in fields of numbers that mean a missing value, beside the usual ones.
  std::vector<std::string> missing_words;
  // Fields that may be the label if the proposal has none.
  std::vector<std::string> label_candidates;
};

struct ProposalOptions {
  // Whether the label may be a field whose name does not say so, if its values do: the last column
  // of a table, or the only field of two values.
  bool guess_label = false;
};

// The options of `format` always hold; the other fields are judged thus:
//
// - label: a name such as label, target, y or clicked. Two values other than 0, 1, true and the
// like
//   are told apart by FormatOptions::positive: the larger number is positive, else a word such as
//   "spam", else the rarer value.
// - weight: a name such as weight, and no negative number.
// - event id: a name such as event_id or uuid, or id with values that never recur.
// - time: nearly all values are times, and not just numbers, unless the name says time or date.
// - ignored: a column without a name, or a row number, or a field without values.
// - number: nearly all values are numbers, many of them different or not whole, and the name does
//   not end with id, code, zip or the like. In JSON, all numbers that are not such ids.
// - text: values of at least three words on average, most of them different.
// - category: all others.
//
// INVALID_ARGUMENT, which says what to do, if the label has more than two values that are words.
absl::StatusOr<MappingProposal> ProposeMapping(const InputSample& sample,
                                               const FormatOptions& format,
                                               const ProposalOptions& options);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_MAPPING_PROPOSAL_H_
