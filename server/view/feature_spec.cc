#include "server/view/feature_spec.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr int kMaxEntries = 100;
constexpr int kMinInteraction = 2;
constexpr int kMaxInteraction = 4;
constexpr uint32_t kMinBins = 2;
constexpr uint32_t kMaxBins = 256;
constexpr uint32_t kMinLength = 2;
constexpr uint32_t kMaxLength = 8;
constexpr uint32_t kMaxSkips = 8;
// The whole table is looked through eight times in that many examples.
constexpr uint64_t kMinExpiry = 1000;

absl::Status CheckRange(std::string_view field, uint32_t value, uint32_t min, uint32_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("option ", field, " is ", value, "; it must be ", min, " to ", max));
}

absl::Status CheckSize(std::string_view field, int size) {
  if (size <= kMaxEntries) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("option ", field, " has ", size, " entries; it may have ", kMaxEntries));
}

// Adds a name to `names`, which must not have it yet.
absl::Status TakeName(std::string_view entry, const std::string& name,
                      std::set<std::string>& names) {
  if (names.insert(name).second) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat("option ", entry, ".namespace is \"", name,
                                           "\", which an entry before it names too; leave one "
                                           "of them out"));
}

absl::Status CheckInteractions(const v1::FeatureSpec& spec) {
  for (int i = 0; i < spec.interactions_size(); ++i) {
    const int count = spec.interactions(i).namespaces_size();
    if (count >= kMinInteraction && count <= kMaxInteraction) continue;
    return absl::InvalidArgumentError(StrCat("option features.interactions[", i,
                                             "].namespaces has ", count, " names; it must have ",
                                             kMinInteraction, " to ", kMaxInteraction));
  }
  return CheckSize("features.interactions", spec.interactions_size());
}

absl::Status ResolveNumerics(v1::FeatureSpec& spec) {
  constexpr uint32_t kDefaultBins = 16;
  std::set<std::string> names;
  for (int i = 0; i < spec.numerics_size(); ++i) {
    v1::NumericTransform& numeric = *spec.mutable_numerics(i);
    const std::string entry = StrCat("features.numerics[", i, "]");
    if (absl::Status status = TakeName(entry, numeric.namespace_(), names); !status.ok()) {
      return status;
    }
    if (numeric.kind() == v1::NumericTransform::KIND_UNSPECIFIED ||
        !v1::NumericTransform::Kind_IsValid(numeric.kind())) {
      return absl::InvalidArgumentError(
          StrCat("option ", entry, ".kind is ", static_cast<int>(numeric.kind()),
                 "; it must be set, to KIND_RAW, KIND_LOG_BINS, KIND_QUANTILE_BINS or "
                 "KIND_STANDARDIZE"));
    }
    if (numeric.kind() != v1::NumericTransform::KIND_QUANTILE_BINS) {
      if (numeric.bins() == 0) continue;
      return absl::InvalidArgumentError(
          StrCat("option ", entry, ".bins is set, but has no part in ",
                 v1::NumericTransform::Kind_Name(numeric.kind()), "; leave it out"));
    }
    if (numeric.bins() == 0) numeric.set_bins(kDefaultBins);
    absl::Status status = CheckRange(entry + ".bins", numeric.bins(), kMinBins, kMaxBins);
    if (!status.ok()) return status;
  }
  return CheckSize("features.numerics", spec.numerics_size());
}

absl::Status CheckNgrams(const v1::FeatureSpec& spec) {
  std::set<std::string> names;
  for (int i = 0; i < spec.ngrams_size(); ++i) {
    const v1::Ngrams& ngrams = spec.ngrams(i);
    const std::string entry = StrCat("features.ngrams[", i, "]");
    absl::Status status = TakeName(entry, ngrams.namespace_(), names);
    if (status.ok()) {
      status = CheckRange(entry + ".length", ngrams.length(), kMinLength, kMaxLength);
    }
    if (status.ok()) status = CheckRange(entry + ".skips", ngrams.skips(), 0, kMaxSkips);
    if (!status.ok()) return status;
  }
  return CheckSize("features.ngrams", spec.ngrams_size());
}

// Checks the numbers of a list of v1.VowpalWabbitFeatures.
template <typename Numbers>
absl::Status CheckNumbers(std::string_view field, const Numbers& numbers, uint32_t max) {
  for (const auto& number : numbers) {
    absl::Status status =
        CheckRange(StrCat("features.vowpal_wabbit.", field, ".number"), number.number(), 0, max);
    if (!status.ok()) return status;
    if (number.letter() > UINT8_MAX) {
      return CheckRange(StrCat("features.vowpal_wabbit.", field, ".letter"), number.letter(), 0,
                        UINT8_MAX);
    }
  }
  return CheckSize(StrCat("features.vowpal_wabbit.", field), numbers.size());
}

absl::Status CheckLetters(const v1::FeatureSpec& spec) {
  if (!spec.has_vowpal_wabbit()) return absl::OkStatus();
  const v1::VowpalWabbitFeatures& letters = spec.vowpal_wabbit();
  if (spec.interactions_size() + spec.numerics_size() + spec.ngrams_size() > 0) {
    return absl::InvalidArgumentError(
        "option features.vowpal_wabbit cannot be combined with features.interactions, numerics and "
        "ngrams; leave those out");
  }
  absl::Status status = CheckRange("features.vowpal_wabbit.bits", letters.bits(), 1, 30);
  for (const std::string& interaction : letters.interactions()) {
    if (!status.ok()) return status;
    status = CheckRange("features.vowpal_wabbit.interactions",  // The number of letters.
                        static_cast<uint32_t>(interaction.size()), kMinInteraction, 16);
  }
  if (status.ok()) {
    status = CheckSize("features.vowpal_wabbit.interactions", letters.interactions_size());
  }
  if (status.ok()) status = CheckNumbers("ngrams", letters.ngrams(), kMaxLength);
  if (status.ok()) status = CheckNumbers("skips", letters.skips(), kMaxSkips);
  if (status.ok()) status = CheckNumbers("limits", letters.limits(), UINT32_MAX);
  return status;
}

template <typename Numbers>
std::vector<LetterOptions::Number> NumbersOf(const Numbers& numbers) {
  std::vector<LetterOptions::Number> result;
  for (const auto& number : numbers) {
    result.push_back({.letter = number.has_letter() ? static_cast<int>(number.letter())
                                                    : LetterOptions::kEveryLetter,
                      .number = number.number()});
  }
  return result;
}

LetterOptions LettersOf(const v1::VowpalWabbitFeatures& spec) {
  return {.bits = static_cast<int>(spec.bits()),
          .constant = spec.constant(),
          .permutations = spec.permutations(),
          .leave_duplicates = spec.leave_duplicate_interactions(),
          .interactions = {spec.interactions().begin(), spec.interactions().end()},
          .keep = spec.keep(),
          .ignore = spec.ignore(),
          .ignore_linear = spec.ignore_linear(),
          .ngrams = NumbersOf(spec.ngrams()),
          .skips = NumbersOf(spec.skips()),
          .limits = NumbersOf(spec.limits())};
}

NumericKind KindOf(v1::NumericTransform::Kind kind) {
  switch (kind) {
    case v1::NumericTransform::KIND_LOG_BINS:
      return NumericKind::kLogBins;
    case v1::NumericTransform::KIND_QUANTILE_BINS:
      return NumericKind::kQuantileBins;
    case v1::NumericTransform::KIND_STANDARDIZE:
      return NumericKind::kStandardize;
    default:
      return NumericKind::kRaw;
  }
}

}  // namespace

absl::Status ResolveFeatureSpec(v1::FeatureSpec& spec) {
  absl::Status status = CheckInteractions(spec);
  if (status.ok()) status = ResolveNumerics(spec);
  if (status.ok()) status = CheckNgrams(spec);
  if (status.ok()) status = CheckLetters(spec);
  const uint64_t expiry = spec.expire_after_examples();
  if (status.ok() && expiry > 0 && expiry < kMinExpiry) {
    status = absl::InvalidArgumentError(StrCat("option features.expire_after_examples is ", expiry,
                                               "; it must be 0 or at least ", kMinExpiry));
  }
  return status;
}

FeatureOptions FeatureOptionsOf(const v1::FeatureSpec& resolved) {
  FeatureOptions options;
  for (const v1::Interaction& interaction : resolved.interactions()) {
    options.interactions.push_back(
        {{interaction.namespaces().begin(), interaction.namespaces().end()}});
  }
  for (const v1::NumericTransform& numeric : resolved.numerics()) {
    options.numerics.push_back({.name_space = numeric.namespace_(),
                                .kind = KindOf(numeric.kind()),
                                .bins = numeric.bins()});
  }
  for (const v1::Ngrams& ngrams : resolved.ngrams()) {
    options.ngrams.push_back(
        {.name_space = ngrams.namespace_(), .length = ngrams.length(), .skips = ngrams.skips()});
  }
  options.admit_after = resolved.admit_after();
  options.expire_after_examples = resolved.expire_after_examples();
  if (resolved.has_vowpal_wabbit()) options.letters = LettersOf(resolved.vowpal_wabbit());
  return options;
}

}  // namespace freshet
