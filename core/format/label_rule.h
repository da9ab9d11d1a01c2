// Reads labels, and decides which ones are positive.

#ifndef FRESHET_CORE_FORMAT_LABEL_RULE_H_
#define FRESHET_CORE_FORMAT_LABEL_RULE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "core/format/number.h"

namespace freshet {

// A rule that says which labels are positive, given as text such as ">=15" or "=yes".
class LabelRule {
 public:
  // `text` is an operator (>=, >, <=, <, =, ==, !=) and an operand; see FormatOptions::positive.
  // INVALID_ARGUMENT for anything else. `mark` is the decimal mark of the labels; the operand may
  // also use a point.
  static absl::StatusOr<LabelRule> Parse(std::string_view text,
                                         DecimalMark mark = DecimalMark::kPoint);

  enum class Verdict { kNegative, kPositive, kNotANumber };

  // kNotANumber if the rule needs a number and `label` is not one. If the operand is a number,
  // words such as true and no count as 1 and 0.
  Verdict Judge(std::string_view label) const;

  // The text given to Parse(), without blanks around it.
  const std::string& text() const { return text_; }

 private:
  enum class Operator { kAtLeast, kMore, kAtMost, kLess, kEqual, kNotEqual };

  LabelRule() = default;

  std::string text_;
  DecimalMark mark_ = DecimalMark::kPoint;
  Operator operator_ = Operator::kEqual;
  std::string operand_;
  bool operand_is_number_ = false;
  double number_ = 0;  // The operand if operand_is_number_.
};

// Reads the labels of one format. Immutable, so thread-safe.
class LabelReader {
 public:
  struct Options {
    std::string_view positive = {};  // The text of a LabelRule; empty: no rule.
    // Whether true, yes, t and y are 1, and false, no, f and n are 0, in any case of letters.
    bool takes_words = false;
    DecimalMark mark = DecimalMark::kPoint;
  };

  // INVALID_ARGUMENT if `positive` is not a rule.
  static absl::StatusOr<LabelReader> Make(const Options& options);

  // Sets `label` to the label that `text` means; 1 or 0 if there is a rule. False if `text` is not
  // a label; see Complaint(). Ignores blanks around `text`.
  bool Read(std::string_view text, float& label) const;

  // Whether there is no rule, so that numbers are labels as they are.
  bool takes_numbers_as_they_are() const { return !rule_; }

  // Why Read() rejected `text`, as the end of a message that begins "the label is": "x"; it must
  // be ...
  std::string Complaint(std::string_view text) const;

 private:
  LabelReader(std::optional<LabelRule> rule, const Options& options)
      : rule_(std::move(rule)), takes_words_(options.takes_words), mark_(options.mark) {}

  std::optional<LabelRule> rule_;
  bool takes_words_;
  DecimalMark mark_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_LABEL_RULE_H_
