#include "core/format/label_rule.h"

#include <array>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "core/base/str_cat.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

// 1 for true, yes, t and y; 0 for false, no, f and n; nothing for any other text.
std::optional<float> NumberOfWord(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, float>, 8> kWords = {
      {{"true", 1}, {"false", 0}, {"yes", 1}, {"no", 0}, {"t", 1}, {"f", 0}, {"y", 1}, {"n", 0}}};
  for (const auto& [word, number] : kWords) {
    if (absl::EqualsIgnoreCase(ToAbsl(text), ToAbsl(word))) return number;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<LabelRule> LabelRule::Parse(std::string_view text, DecimalMark mark) {
  static constexpr std::array<std::pair<std::string_view, Operator>, 7> kOperators = {{
      {">=", Operator::kAtLeast},
      {">", Operator::kMore},
      {"<=", Operator::kAtMost},
      {"<", Operator::kLess},
      {"==", Operator::kEqual},
      {"=", Operator::kEqual},
      {"!=", Operator::kNotEqual},
  }};
  const std::string_view trimmed = TrimBlanks(text);
  for (const auto& [symbol, operation] : kOperators) {
    if (!trimmed.starts_with(symbol)) continue;
    LabelRule rule;
    rule.text_ = trimmed;
    rule.operator_ = operation;
    rule.operand_ = TrimBlanks(trimmed.substr(symbol.size()));
    rule.mark_ = mark;
    rule.operand_is_number_ = ParseFiniteDouble(rule.operand_, rule.number_) ||
                              ParseFiniteDouble(rule.operand_, rule.number_, mark);
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

LabelRule::Verdict LabelRule::Judge(std::string_view label) const {
  const std::string_view trimmed = TrimBlanks(label);
  double value = 0;
  bool is_number = false;
  if (operand_is_number_) {
    is_number = ParseFiniteDouble(trimmed, value, mark_);
    if (!is_number) {
      if (const std::optional<float> word = NumberOfWord(trimmed)) {
        value = *word;
        is_number = true;
      }
    }
  }
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

absl::StatusOr<LabelReader> LabelReader::Make(const Options& options) {
  std::optional<LabelRule> rule;
  if (!options.positive.empty()) {
    absl::StatusOr<LabelRule> parsed = LabelRule::Parse(options.positive, options.mark);
    if (!parsed.ok()) return parsed.status();
    rule = *std::move(parsed);
  }
  return LabelReader(std::move(rule), options);
}

bool LabelReader::Read(std::string_view text, float& label) const {
  if (rule_) {
    const LabelRule::Verdict verdict = rule_->Judge(text);
    label = verdict == LabelRule::Verdict::kPositive ? 1.0f : 0.0f;
    return verdict != LabelRule::Verdict::kNotANumber;
  }
  text = TrimBlanks(text);
  if (ParseFiniteFloat(text, label, mark_)) return true;
  const std::optional<float> word = takes_words_ ? NumberOfWord(text) : std::nullopt;
  if (word) label = *word;
  return word.has_value();
}

std::string LabelReader::Complaint(std::string_view text) const {
  if (rule_) {
    return StrCat(Quoted(text), "; --positive '", rule_->text(), "' needs a finite number");
  }
  return StrCat(Quoted(text), "; it must be a finite number",
                takes_words_ ? ", or true or false, or yes or no" : "",
                "; --positive turns other text into labels, as in --positive '=click'");
}

}  // namespace freshet
