// What makes a label positive, as said by text such as ">=15" or "=yes".

#ifndef FRESHET_CORE_FORMAT_LABEL_RULE_H_
#define FRESHET_CORE_FORMAT_LABEL_RULE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace freshet {

class LabelRule {
 public:
  // An operator (>=, >, <=, <, =, ==, !=) and an operand; see FormatOptions::positive.
  // INVALID_ARGUMENT for anything else.
  static absl::StatusOr<LabelRule> Parse(std::string_view text);

  enum class Verdict { kNegative, kPositive, kNotANumber };

  // kNotANumber where the rule needs a number and `cell` is none.
  Verdict Judge(std::string_view cell) const;

  // As it was given to Parse().
  const std::string& text() const { return text_; }

 private:
  enum class Operator { kAtLeast, kMore, kAtMost, kLess, kEqual, kNotEqual };

  LabelRule() = default;

  std::string text_;
  Operator operator_ = Operator::kEqual;
  std::string operand_;
  bool operand_is_number_ = false;
  double number_ = 0;  // Where operand_is_number_.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_LABEL_RULE_H_
