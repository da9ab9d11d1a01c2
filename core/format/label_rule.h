// What labels may look like, and what makes one positive.

#ifndef FRESHET_CORE_FORMAT_LABEL_RULE_H_
#define FRESHET_CORE_FORMAT_LABEL_RULE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "core/format/number.h"

namespace freshet {

// What makes a label positive, as said by text such as ">=15" or "=yes".
class LabelRule {
 public:
  // An operator (>=, >, <=, <, =, ==, !=) and an operand; see FormatOptions::positive.
  // INVALID_ARGUMENT for anything else. `mark` is that of the labels; the operand may have a point
  // all the same.
  static absl::StatusOr<LabelRule> Parse(std::string_view text,
                                         DecimalMark mark = DecimalMark::kPoint);

  enum class Verdict { kNegative, kPositive, kNotANumber };

  // kNotANumber where the rule needs a number and `label` is none. For a rule with a number, words
  // such as true and no are 1 and 0.
  Verdict Judge(std::string_view label) const;

  // As it was given to Parse().
  const std::string& text() const { return text_; }

 private:
  enum class Operator { kAtLeast, kMore, kAtMost, kLess, kEqual, kNotEqual };

  LabelRule() = default;

  std::string text_;
  DecimalMark mark_ = DecimalMark::kPoint;
  Operator operator_ = Operator::kEqual;
  std::string operand_;
  bool operand_is_number_ = false;
  double number_ = 0;  // Where operand_is_number_.
};

// Reads the labels of one format. Immutable.
class LabelReader {
 public:
  struct Options {
    std::string_view positive = {};  // A LabelRule, or empty: none.
    // Whether true, yes, t and y are 1, and false, no, f and n are 0, in any case of letters.
    bool takes_words = false;
    DecimalMark mark = DecimalMark::kPoint;
  };

  // INVALID_ARGUMENT where `positive` is no rule.
  static absl::StatusOr<LabelReader> Make(const Options& options);

  // Sets `label` to what `text` says; 1 or 0 where there is a rule. False where it says nothing;
  // see Complaint(). Blanks around it do not count.
  bool Read(std::string_view text, float& label) const;

  // Whether there is no rule, so that a label that is a number is that number.
  bool takes_numbers_as_they_are() const { return !rule_; }

  // Why Read() did not take `text`, to stand behind "the label is": "x"; it must be ...
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
