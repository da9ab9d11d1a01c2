#include "client/command/weight_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "client/command/text.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr Table::Align kRight = Table::Align::kRight;

// The width to which names of features are cut; the rest of a line is for numbers.
constexpr size_t kMaxNameColumns = 48;

template <typename... Args>
std::string Format(const char* format, Args... args) {
  std::array<char, 64> buffer;
  std::snprintf(buffer.data(), buffer.size(), format, args...);
  return buffer.data();
}

// "812.4", "12,345", or "-" if the learner keeps no evidence.
std::string EvidenceText(double evidence) {
  if (evidence <= 0 || !std::isfinite(evidence)) return "-";
  if (evidence >= 1e15) return Format("%.2e", evidence);
  if (evidence >= 1000) return GroupedCount(static_cast<uint64_t>(std::llround(evidence)));
  return Format(evidence >= 0.1 ? "%.1f" : "%.1e", evidence);
}

std::string PredictionText(double prediction) {
  const std::string text = SignedNumber(prediction);
  return text.starts_with('+') ? text.substr(1) : text;
}

std::string ValueText(double value) { return ShortestNumber(static_cast<float>(value)); }

// A line that says what slashes between names mean; "" if no feature has several names.
template <typename Features, typename FeatureOf>
std::string CollisionNote(const Features& features, const FeatureOf& feature_of) {
  const bool collide = std::any_of(features.begin(), features.end(), [&](const auto& item) {
    return feature_of(item).names_size() > 1;
  });
  return collide ? "Names with a slash between them share one weight: their hashes collide.\n" : "";
}

// "offset 812, 3 ago": the offset of the newest batch with the feature, and how many examples were
// learned since; "-" if none of the newest examples has the feature.
std::string LastLearnedText(const v1::RecentUse& use) {
  if (use.example_count() == 0) return "-";
  return StrCat("offset ", GroupedCount(use.last_offset()), ", ",
                GroupedCount(use.examples_since()), " ago");
}

std::string RecentNote(uint64_t example_count) {
  if (example_count == 0) return "";
  return StrCat("Count and last learned: of the newest ", GroupedCount(example_count),
                " examples in the log.\n");
}

std::string Repeated(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

// What the predictions of a model with this loss are called.
std::string PredictionName(v1::Loss loss) {
  switch (loss) {
    case v1::LOSS_LOGISTIC:
      return "probability";
    case v1::LOSS_POISSON:
      return "expected count";
    default:
      return "prediction";
  }
}

}  // namespace

std::string SignedNumber(double number) {
  if (number == 0) return "0";
  const double size = std::abs(number);
  return Format(size >= 5e-4 && size < 1e6 ? "%+.4f" : "%+.3e", number);
}

std::string FeatureText(const v1::WeightedFeature& feature) {
  std::string text;
  for (const std::string& name : feature.names()) {
    text += StrCat(text.empty() ? "" : " / ", Printable(name));
  }
  if (text.empty()) return StrCat("#", feature.slot());
  return CutToWidth(text, kMaxNameColumns);
}

std::string SignedBar(double number, double largest) {
  constexpr int kColumns = 10;  // On each side of the middle.
  const double share = largest > 0 ? std::min(1.0, std::abs(number) / largest) : 0;
  const auto halves = static_cast<int>(std::lround(share * 2 * kColumns));
  const std::string whole = Repeated("█", halves / 2);
  const std::string blank(static_cast<size_t>(kColumns - (halves + 1) / 2), ' ');
  const std::string other_side(kColumns, ' ');
  if (number < 0) return StrCat(blank, halves % 2 == 0 ? "" : "▐", whole, "│", other_side);
  return StrCat(other_side, "│", whole, halves % 2 == 0 ? "" : "▌", blank);
}

std::string WeightsText(const std::string& model, const v1::ListTopWeightsResponse& weights) {
  const std::string at = StrCat(" at offset ", GroupedCount(weights.offset()), "; intercept ",
                                SignedNumber(weights.intercept()), "\n");
  if (weights.features().empty()) return StrCat(model, ": all weights are 0", at);
  Table table({{"FEATURE"}, {"WEIGHT", kRight}, {""}, {"EVIDENCE", kRight}});
  const double largest = std::abs(weights.features(0).weight());
  for (const v1::WeightedFeature& feature : weights.features()) {
    table.AddRow({FeatureText(feature), SignedNumber(feature.weight()),
                  SignedBar(feature.weight(), largest), EvidenceText(feature.evidence())});
  }
  return StrCat(
      model, ": the ", weights.features_size(), " largest weights", at, table.ToString(),
      CollisionNote(
          weights.features(), [](const auto& feature) -> const auto& { return feature; }));
}

std::string ChangesText(const std::string& model, const v1::CompareSnapshotsResponse& changes) {
  std::string head =
      StrCat(model, ": ", GroupedCount(changes.changed_count()), " weights changed from offset ",
             GroupedCount(changes.old_offset()), " to ", GroupedCount(changes.new_offset()), ", ",
             GroupedCount(changes.added_count()), " of them from 0, ",
             GroupedCount(changes.removed_count()), " to 0\n");
  if (changes.changes().empty()) return head;
  Table table({{"FEATURE"}, {"OLD", kRight}, {"NEW", kRight}, {"CHANGE", kRight}, {""}});
  const auto change_of = [](const v1::WeightChange& change) {
    return change.feature().weight() - change.old_weight();
  };
  const double largest = std::abs(change_of(changes.changes(0)));
  for (const v1::WeightChange& change : changes.changes()) {
    table.AddRow({FeatureText(change.feature()), SignedNumber(change.old_weight()),
                  SignedNumber(change.feature().weight()), SignedNumber(change_of(change)),
                  SignedBar(change_of(change), largest)});
  }
  return StrCat(
      head, table.ToString(),
      CollisionNote(
          changes.changes(), [](const auto& change) -> const auto& { return change.feature(); }));
}

std::string ExplanationText(v1::Loss loss, const v1::ExplainResponse& explanation) {
  const uint64_t recent = explanation.recent_example_count();
  std::vector<Table::Column> columns = {
      {"FEATURE"}, {"VALUE", kRight}, {"WEIGHT", kRight}, {"EVIDENCE", kRight}};
  if (recent > 0) {
    columns.push_back({"COUNT", kRight});
    columns.push_back({"LAST LEARNED", kRight});
  }
  columns.push_back({"CONTRIBUTION", kRight});
  columns.push_back({""});
  Table table(std::move(columns));
  // Adds a row for a total rather than a feature: the columns between FEATURE and CONTRIBUTION stay
  // empty.
  const auto total_row = [&](const std::string& name, std::string number, std::string bar) {
    std::vector<std::string> row(recent > 0 ? 6 : 4);
    row[0] = name;
    row.push_back(std::move(number));
    row.push_back(std::move(bar));
    table.AddRow(std::move(row));
  };
  double largest = std::abs(explanation.intercept());
  for (const v1::Contribution& feature : explanation.contributions()) {
    largest = std::max(largest, std::abs(feature.contribution()));
  }
  for (const v1::Contribution& feature : explanation.contributions()) {
    std::vector<std::string> row = {FeatureText(feature.feature()), ValueText(feature.value()),
                                    SignedNumber(feature.feature().weight()),
                                    EvidenceText(feature.feature().evidence())};
    if (recent > 0) {
      const v1::RecentUse& use = feature.feature().recent_use();
      row.push_back(GroupedCount(use.example_count()));
      row.push_back(LastLearnedText(use));
    }
    row.push_back(SignedNumber(feature.contribution()));
    row.push_back(SignedBar(feature.contribution(), largest));
    table.AddRow(std::move(row));
  }
  total_row("intercept", SignedNumber(explanation.intercept()),
            SignedBar(explanation.intercept(), largest));
  total_row("score", SignedNumber(explanation.score()), "");
  total_row(PredictionName(loss), PredictionText(explanation.prediction()), "");
  return StrCat(table.ToString(), RecentNote(recent),
                CollisionNote(
                    explanation.contributions(),
                    [](const auto& feature) -> const auto& { return feature.feature(); }));
}

}  // namespace freshet
