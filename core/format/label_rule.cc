#include "core/format/label_rule.h"

#include <array>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

absl::StatusOr<LabelRule> LabelRule::Parse(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Operator>, 7> kOperators = {{
      {">=", Operator::kAtLeast},
      {">", Operator::kMore},
      {"<=", Operator::kAtMost},
      {"<", Operator::kLess},
      {"==", Operator::kEqual},
      {"=", Operator::kEqual},
      {"!=", Operator::kNotEqual},
  }};
  const std::string_view trimmed = Trim(text);
  for (const auto& [symbol, operation] : kOperators) {
    if (!trimmed.starts_with(symbol)) continue;
    LabelRule rule;
    rule.text_ = trimmed;
    rule.operator_ = operation;
    rule.operand_ = Trim(trimmed.substr(symbol.size()));
    rule.operand_is_number_ = ParseFiniteDouble(rule.operand_, rule.number_);
    const bool orders = operation != Operator::kEqual && operation != Operator::kNotEqual;
    if (orders && !rule.operand_is_number_) {
      return absl::InvalidArgumentError(StrCat("--positive ", Quoted(text), ": ", symbol,
                                               " must be followed by a number, as in '", symbol,
                                               "15'"));
    }
    return rule;
  }
  return absl::InvalidArgumentError(
      StrCat("--positive ", Quoted(text),
             ": it must start with one of >= > <= < = !=, as in '>=15' or '=yes'"));
}

LabelRule::Verdict LabelRule::Judge(std::string_view cell) const {
  const std::string_view trimmed = Trim(cell);
  double value = 0;
  const bool is_number = operand_is_number_ && ParseFiniteDouble(trimmed, value);
  const bool equal = is_number ? value == number_ : trimmed == operand_;
  bool positive = false;
  switch (operator_) {
    case Operator::kEqual:
      positive = equal;
      break;
    case Operator::kNotEqual:
      positive = !equal;
      break;
    case Operator::kAtLeast:
      positive = value >= number_;
      break;
    case Operator::kMore:
      positive = value > number_;
      break;
    case Operator::kAtMost:
      positive = value <= number_;
      break;
    case Operator::kLess:
      positive = value < number_;
      break;
  }
  const bool orders = operator_ != Operator::kEqual && operator_ != Operator::kNotEqual;
  if (orders && !is_number) return Verdict::kNotANumber;
  return positive ? Verdict::kPositive : Verdict::kNegative;
}

}  // namespace freshet
