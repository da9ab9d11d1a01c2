#include "core/format/mapping_proposal.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "core/format/field_roles.h"
#include "core/format/label_rule.h"
#include "core/format/missing_words.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

// Names are compared in lower case and without blanks, points, dashes and underscores. The more
// telling ones come first.
constexpr std::array<std::string_view, 26> kLabelNames = {
    "label",     "labels",    "target",     "y",         "clicked", "click",  "isclick",
    "isclicked", "converted", "conversion", "outcome",   "isfraud", "fraud",  "churn",
    "churned",   "survived",  "purchased",  "purchase",  "bought",  "isspam", "spam",
    "response",  "class",     "delayed",    "defaulted", "won"};
constexpr std::array<std::string_view, 5> kWeightNames = {"weight", "weights", "importance",
                                                          "sampleweight", "importanceweight"};
constexpr std::array<std::string_view, 10> kEventIdNames = {
    "eventid", "impressionid", "requestid", "uuid", "guid",
    "ulid",    "rowid",        "recordid",  "tag",  "id"};
constexpr std::array<std::string_view, 5> kRowNumberNames = {"", "unnamed0", "index", "rownames",
                                                             "rownumber"};
// Numbers under such names tell things apart; they measure nothing.
constexpr std::array<std::string_view, 12> kIdEndings = {
    "id",    "code", "zip", "zipcode", "postcode", "postalcode",
    "phone", "sku",  "ean", "isbn",    "hash",     "key"};
constexpr std::array<std::string_view, 9> kTimeEndings = {
    "time", "date", "timestamp", "datetime", "ts", "at", "epoch", "day", "hour"};
// The positive one of two words.
constexpr std::array<std::string_view, 16> kPositiveWords = {
    "positive", "pos",       "spam", "fraud", "click",   "clicked", "churn", "churned",
    "bad",      "converted", "win",  "won",   "success", "on",      "late",  "delayed"};

// Nearly all.
constexpr double kMostShare = 0.98;
// At least as many different whole numbers measure something.
constexpr size_t kManyNumbers = 20;
constexpr double kTextWords = 3;

std::string Plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || byte >= 0x80) {
      out.push_back(static_cast<char>(std::tolower(byte)));
    }
  }
  return out;
}

// The last part of a path.
std::string_view LastName(std::string_view field) {
  const size_t dot = field.rfind('.');
  return dot == std::string_view::npos ? field : field.substr(dot + 1);
}

bool IsOneOf(std::span<const std::string_view> names, std::string_view plain) {
  return std::find(names.begin(), names.end(), plain) != names.end();
}

// Whether the last word of a name is one of `words`: user_id, userId, USER-ID and id end with id,
// but paid does not.
bool LastWordIsOneOf(std::span<const std::string_view> words, std::string_view name) {
  size_t begin = name.size();
  while (begin > 0) {
    const auto c = static_cast<unsigned char>(name[begin - 1]);
    if (std::isalnum(c) == 0) break;
    --begin;
    const bool starts_word = std::isupper(c) != 0 && begin > 0 &&
                             std::islower(static_cast<unsigned char>(name[begin - 1])) != 0;
    if (starts_word) break;
  }
  return IsOneOf(words, Plain(name.substr(begin)));
}

bool Most(size_t count, size_t all) {
  return all > 0 && static_cast<double>(count) >= kMostShare * static_cast<double>(all);
}

bool AllDiffer(const FieldStats& stats) {
  if (stats.value_count < 2) return false;
  return std::all_of(stats.values.begin(), stats.values.end(),
                     [](const auto& value) { return value.second == 1; });
}

class Proposer {
 public:
  Proposer(const InputSample& sample, const FormatOptions& format, const ProposalOptions& options)
      : sample_(sample), format_(format), options_(options) {}

  absl::StatusOr<MappingProposal> Run();

 private:
  void TakeFlags();
  bool IsTaken(const FieldStats& stats) const { return out_.mapping.Find(stats.field) != nullptr; }
  void Add(std::string_view field, FieldRole role, std::string reason,
           std::string_view time_format = {});
  void ChooseLabel();
  const FieldStats* LabelByName() const;
  const FieldStats* LabelByValues() const;
  absl::Status JudgeLabel();
  absl::Status JudgeLabelWords(const FieldStats& stats);
  void ChooseDecimalMark();
  void ChooseWeight();
  void ChooseEventId();
  void Judge(const FieldStats& stats);
  bool JudgeTime(const FieldStats& stats);
  bool IsNumber(const FieldStats& stats) const;
  void NoteMissingWords();
  void Sort();

  const InputSample& sample_;
  const FormatOptions& format_;
  const ProposalOptions options_;
  MappingProposal out_;
};

void Proposer::Add(std::string_view field, FieldRole role, std::string reason,
                   std::string_view time_format) {
  if (field.empty() || out_.mapping.fields.size() >= kMaxMappedFields) return;
  FieldMapping mapping{std::string(field), role, {}, std::string(time_format)};
  out_.mapping.fields.push_back(mapping);
  out_.fields.push_back({std::move(mapping), std::move(reason)});
}

void Proposer::TakeFlags() {
  const TextRules rules = TextRulesOf(format_);
  out_.mapping.positive = rules.positive;
  out_.mapping.missing = rules.missing;
  out_.mapping.delimiter = rules.delimiter;
  out_.mapping.decimal_mark = rules.decimal_mark;
  out_.mapping.keep_blanks = rules.keep_blanks;
  out_.mapping.ignore_unlisted = sample_.is_table();
  for (const MergedField& field : MergedFields(format_)) {
    if (out_.mapping.Find(field.mapping.field) != nullptr) continue;
    Add(field.mapping.field, field.mapping.role,
        std::string(field.flag.empty() ? "--map" : field.flag), field.mapping.time_format);
    out_.mapping.fields.back().feature_namespace = field.mapping.feature_namespace;
    out_.fields.back().mapping.feature_namespace = field.mapping.feature_namespace;
  }
}

const FieldStats* Proposer::LabelByName() const {
  for (const std::string_view name : kLabelNames) {
    for (const FieldStats& stats : sample_.fields()) {
      if (!IsTaken(stats) && stats.value_count > 0 && !stats.in_array &&
          Plain(LastName(stats.field)) == name) {
        return &stats;
      }
    }
  }
  return nullptr;
}

// Of a table, the last column if it has two values; else the only field that has.
const FieldStats* Proposer::LabelByValues() const {
  const auto has_two = [this](const FieldStats& stats) {
    return !IsTaken(stats) && stats.distinct_count() == 2 && !stats.in_array;
  };
  if (sample_.is_table() && !sample_.fields().empty() && has_two(sample_.fields().back())) {
    return &sample_.fields().back();
  }
  const FieldStats* found = nullptr;
  for (const FieldStats& stats : sample_.fields()) {
    if (!has_two(stats)) continue;
    if (found != nullptr) return nullptr;
    found = &stats;
  }
  return found;
}

void Proposer::ChooseLabel() {
  const auto is_label = [](const FieldMapping& field) { return field.role == FieldRole::kLabel; };
  const auto& fields = out_.mapping.fields;
  if (std::any_of(fields.begin(), fields.end(), is_label)) return;
  if (const FieldStats* const named = LabelByName(); named != nullptr) {
    Add(named->field, FieldRole::kLabel, "by its name");
    return;
  }
  const FieldStats* const guess = LabelByValues();
  if (guess != nullptr && options_.guess_label) {
    Add(guess->field, FieldRole::kLabel, "two values; a guess");
    return;
  }
  for (const FieldStats& stats : sample_.fields()) {
    const bool may_be = stats.distinct_count() == 2 && !IsTaken(stats) && !stats.in_array;
    if (may_be) out_.label_candidates.push_back(stats.field);
  }
}

// Two words, or several: which ones are positive.
absl::Status Proposer::JudgeLabelWords(const FieldStats& stats) {
  const auto first = stats.values.begin();
  if (stats.distinct_count() > 2 || stats.more_values) {
    std::string some;
    for (auto it = first; it != stats.values.end() && std::distance(first, it) < 5; ++it) {
      some += StrCat(some.empty() ? "" : ", ", Quoted(it->first));
    }
    return absl::InvalidArgumentError(
        StrCat("the label ", Quoted(stats.field), " has ", stats.more_values ? "over " : "",
               stats.distinct_count(), " different values, such as ", some,
               "; say with --positive which are positive, as in --positive '=", first->first,
               "', or name another field with --label"));
  }
  const auto second = std::next(first);
  float a = 0;
  float b = 0;
  const bool numbers = ParseFiniteFloat(first->first, a, out_.mapping.decimal_mark) &&
                       ParseFiniteFloat(second->first, b, out_.mapping.decimal_mark);
  const auto is_positive = [](const std::string& word) {
    return word.starts_with('>') || IsOneOf(kPositiveWords, Plain(word));
  };
  const bool first_positive = is_positive(first->first);
  const bool take_first = numbers ? a > b
                          : first_positive != is_positive(second->first)
                              ? first_positive
                              : first->second < second->second;
  const std::string& positive = take_first ? first->first : second->first;
  out_.mapping.positive = StrCat("=", positive);
  out_.label_kind = LabelKind::kBinary;
  return absl::OkStatus();
}

absl::Status Proposer::JudgeLabel() {
  const auto found =
      std::find_if(out_.mapping.fields.begin(), out_.mapping.fields.end(),
                   [](const FieldMapping& field) { return field.role == FieldRole::kLabel; });
  if (found == out_.mapping.fields.end()) return absl::OkStatus();
  out_.label_kind = LabelKind::kBinary;
  const FieldStats* const stats = sample_.Find(found->field);
  if (!out_.mapping.positive.empty() || stats == nullptr || stats->values.empty()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<LabelReader> reader =
      LabelReader::Make({.takes_words = true, .mark = out_.mapping.decimal_mark});
  if (!reader.ok()) return reader.status();
  bool readable = true;
  bool binary = true;
  for (const auto& [text, count] : stats->values) {
    float label = 0;
    readable = readable && reader->Read(text, label);
    binary = binary && (label == 0 || label == 1 || label == -1);
  }
  if (readable && binary) return absl::OkStatus();
  if (readable && (stats->distinct_count() > 2 || stats->more_values)) {
    out_.label_kind = LabelKind::kNumeric;
    return absl::OkStatus();
  }
  if (stats->distinct_count() == 1) return absl::OkStatus();
  return JudgeLabelWords(*stats);
}

// Numbers such as 0,5 in cells that no comma separates.
void Proposer::ChooseDecimalMark() {
  if (!sample_.is_table() || sample_.delimiter() == ",") return;
  const bool commas =
      std::any_of(sample_.fields().begin(), sample_.fields().end(), [](const FieldStats& stats) {
        return stats.comma_number_count > 0 &&
               Most(stats.comma_number_count + stats.number_count, stats.value_count);
      });
  const bool points =
      std::any_of(sample_.fields().begin(), sample_.fields().end(), [](const FieldStats& stats) {
        return stats.fraction_count > 0 && stats.comma_number_count == 0 &&
               Most(stats.number_count, stats.value_count);
      });
  if (commas && !points) out_.mapping.decimal_mark = DecimalMark::kComma;
}

void Proposer::ChooseWeight() {
  for (const FieldStats& stats : sample_.fields()) {
    const auto& fields = out_.mapping.fields;
    const bool has_weight = std::any_of(fields.begin(), fields.end(), [](const auto& field) {
      return field.role == FieldRole::kWeight;
    });
    if (has_weight) return;
    if (!IsTaken(stats) && IsOneOf(kWeightNames, Plain(stats.field)) && stats.value_count > 0 &&
        stats.missing_count == 0 && stats.number_count == stats.value_count &&
        stats.negative_count == 0) {
      Add(stats.field, FieldRole::kWeight, "by its name");
    }
  }
}

void Proposer::ChooseEventId() {
  const auto& fields = out_.mapping.fields;
  const bool has_event_id = std::any_of(fields.begin(), fields.end(), [](const auto& field) {
    return field.role == FieldRole::kEventId;
  });
  if (has_event_id) return;
  for (const std::string_view name : kEventIdNames) {
    for (const FieldStats& stats : sample_.fields()) {
      if (IsTaken(stats) || stats.in_array || Plain(stats.field) != name) continue;
      if (!AllDiffer(stats)) continue;
      Add(stats.field, FieldRole::kEventId, "never twice the same");
      return;
    }
  }
}

bool Proposer::JudgeTime(const FieldStats& stats) {
  if (Most(stats.time_count, stats.value_count)) {
    Add(stats.field, FieldRole::kTime, "dates or times");
    return true;
  }
  const auto best = std::max_element(stats.pattern_counts.begin(), stats.pattern_counts.end());
  if (Most(*best, stats.value_count)) {
    const auto place = static_cast<size_t>(best - stats.pattern_counts.begin());
    Add(stats.field, FieldRole::kTime, "dates or times", TimePatterns()[place]);
    return true;
  }
  if (Most(stats.numeric_time_count, stats.value_count) &&
      LastWordIsOneOf(kTimeEndings, LastName(stats.field))) {
    Add(stats.field, FieldRole::kTime, "numbers that are times, by its name");
    return true;
  }
  return false;
}

bool Proposer::IsNumber(const FieldStats& stats) const {
  const bool comma = out_.mapping.decimal_mark == DecimalMark::kComma;
  // With a decimal comma, whole numbers count, which both marks read.
  const size_t numbers = comma ? stats.comma_number_count + stats.number_count : stats.number_count;
  if (!Most(numbers, stats.value_count)) return false;
  if (stats.fraction_count > 0) return true;
  if (stats.code_count > 0 || LastWordIsOneOf(kIdEndings, LastName(stats.field))) return false;
  if (!sample_.is_table()) return stats.json_number_count > 0;
  return stats.distinct_count() >= std::min(kManyNumbers, stats.value_count / 2 + 1) &&
         stats.distinct_count() > 2;
}

void Proposer::Judge(const FieldStats& stats) {
  const std::string plain = Plain(stats.field);
  if (IsOneOf(kRowNumberNames, plain) && AllDiffer(stats)) {
    Add(stats.field, FieldRole::kIgnored, "numbers of rows");
  } else if (stats.value_count == 0) {
    Add(stats.field, FieldRole::kIgnored, "no values in the sample");
  } else if (!stats.in_array && JudgeTime(stats)) {
    return;
  } else if (IsNumber(stats)) {
    Add(stats.field, FieldRole::kNumber, stats.fraction_count > 0 ? "numbers" : "many numbers");
  } else if (static_cast<double>(stats.word_count) >=
                 kTextWords * static_cast<double>(stats.value_count) &&
             (stats.more_values || 2 * stats.distinct_count() > stats.value_count) &&
             stats.number_count == 0) {
    Add(stats.field, FieldRole::kText, "sentences");
  } else {
    const bool ids = Most(stats.number_count, stats.value_count);
    Add(stats.field, FieldRole::kCategory,
        ids ? StrCat(stats.more_values ? "over " : "", stats.distinct_count(),
                     " numbers, read as names")
            : StrCat(stats.more_values ? "over " : "", stats.distinct_count(), " values"));
  }
}

// A field of numbers may hold a few words, which then mean a missing value.
void Proposer::NoteMissingWords() {
  std::vector<std::string> words;
  for (const FieldMapping& field : out_.mapping.fields) {
    const FieldStats* const stats = sample_.Find(field.field);
    if (field.role != FieldRole::kNumber || stats == nullptr ||
        !Most(stats->number_count + stats->comma_number_count, stats->value_count)) {
      continue;
    }
    for (const auto& [word, count] : stats->odd_words) {
      if (out_.mapping.decimal_mark == DecimalMark::kComma) {
        float number = 0;
        if (ParseFiniteFloat(word, number, DecimalMark::kComma)) continue;
      }
      if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    }
  }
  if (words.empty() || out_.mapping.missing) return;
  out_.missing_words = words;
  const auto usual = MissingWords::UsualWords();
  words.insert(words.end(), usual.begin(), usual.end());
  out_.mapping.missing = std::move(words);
}

// Puts the fields into the order of the input.
void Proposer::Sort() {
  const auto place = [this](const FieldMapping& field) {
    const FieldStats* const stats = sample_.Find(field.field);
    return stats == nullptr ? sample_.fields().size()
                            : static_cast<size_t>(stats - sample_.fields().data());
  };
  std::stable_sort(out_.fields.begin(), out_.fields.end(),
                   [&](const ProposedField& a, const ProposedField& b) {
                     return place(a.mapping) < place(b.mapping);
                   });
  out_.mapping.fields.clear();
  for (const ProposedField& field : out_.fields) out_.mapping.fields.push_back(field.mapping);
}

absl::StatusOr<MappingProposal> Proposer::Run() {
  TakeFlags();
  ChooseDecimalMark();
  ChooseLabel();
  if (absl::Status status = JudgeLabel(); !status.ok()) return status;
  ChooseWeight();
  ChooseEventId();
  for (const FieldStats& stats : sample_.fields()) {
    if (!IsTaken(stats)) Judge(stats);
  }
  NoteMissingWords();
  Sort();
  return std::move(out_);
}

}  // namespace

absl::StatusOr<MappingProposal> ProposeMapping(const InputSample& sample,
                                               const FormatOptions& format,
                                               const ProposalOptions& options) {
  return Proposer(sample, format, options).Run();
}

}  // namespace freshet
