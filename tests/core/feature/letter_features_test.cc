#include "core/feature/letter_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/feature/feature_expander.h"
#include "core/feature/hash.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;

constexpr uint32_t kPrime = 16777619;
constexpr uint32_t kConstant = LetterFeatures::kConstantId % (1 << 18);

// Features of a namespace, by number.
using Group = std::pair<std::string, std::vector<uint32_t>>;

// The features of a row that has these namespaces, in their order.
struct Expanded {
  std::vector<uint32_t> ids;
  float offset = 0;
};

Expanded Expand(const LetterOptions& letters, const std::vector<Group>& groups) {
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 1);
  for (const auto& [name, ids] : groups) {
    const size_t index = builder.Namespace(name);
    for (const uint32_t id : ids) {
      builder.AddFeature(index, id, name == kOffsetNamespace ? 2.5f : 1);
    }
  }
  builder.EndRow();
  const ExampleBatch batch = builder.View();
  FeatureOptions options;
  options.letters = letters;
  const FeatureExpander expander(options);
  FeatureExpander::Plan plan;
  FeatureColumns columns;
  expander.MakePlan(batch, plan);
  expander.AppendRow(batch, 0, plan, columns);
  columns.EndRow();
  EXPECT_GE(expander.CountRow(batch, 0, 1000, plan), columns.size());
  return {.ids = columns.id_column(),
          .offset = columns.offsets().empty() ? 0 : columns.offsets()[0]};
}

uint32_t Pair(uint32_t a, uint32_t b) { return ((a * kPrime) ^ b) % (1 << 18); }

TEST(LetterFeaturesTest, TheConstantComesAfterTheFeatures) {
  EXPECT_THAT(Expand({}, {{"user", {1, 2}}}).ids, ElementsAre(1, 2, kConstant));
  EXPECT_THAT(Expand({.constant = false}, {{"user", {1, 2}}}).ids, ElementsAre(1, 2));
}

TEST(LetterFeaturesTest, FewBitsLetIdsCollide) {
  EXPECT_THAT(Expand({.bits = 1}, {{"", {2, 5}}}).ids, ElementsAre(0, 1, 0));
}

TEST(LetterFeaturesTest, NamespacesOfOneLetterAreOneList) {
  EXPECT_THAT(Expand({.constant = false, .interactions = {"ui"}},
                     {{"user", {1}}, {"item", {5}}, {"usual", {2}}})
                  .ids,
              ElementsAre(1, 2, 5, Pair(1, 5), Pair(2, 5)));
}

TEST(LetterFeaturesTest, KeepIgnoreAndIgnoreLinearGoByTheLetter) {
  const std::vector<Group> groups = {{"user", {1}}, {"item", {5}}, {"", {9}}};
  EXPECT_THAT(Expand({.constant = false, .keep = "u "}, groups).ids, ElementsAre(1, 9));
  EXPECT_THAT(Expand({.ignore = "u"}, groups).ids, ElementsAre(5, 9, kConstant));
  EXPECT_THAT(Expand({.constant = false, .interactions = {"ui"}, .ignore_linear = "u"}, groups).ids,
              ElementsAre(5, 9, Pair(1, 5)));
}

TEST(LetterFeaturesTest, AListWithItselfGivesEachCombinationOnceUnlessPermutationsAreAskedFor) {
  EXPECT_THAT(Expand({.constant = false, .interactions = {"uu"}}, {{"u", {1, 2}}}).ids,
              ElementsAre(1, 2, Pair(1, 1), Pair(1, 2), Pair(2, 2)));
  EXPECT_THAT(
      Expand({.constant = false, .permutations = true, .interactions = {"uu"}}, {{"u", {1, 2}}})
          .ids,
      ElementsAre(1, 2, Pair(1, 1), Pair(1, 2), Pair(2, 1), Pair(2, 2)));
}

TEST(LetterFeaturesTest, InteractionsOfTheSameLettersAreMadeOnceUnlessAllAreAskedFor) {
  const std::vector<Group> groups = {{"a", {1}}, {"b", {2}}};
  EXPECT_THAT(Expand({.constant = false, .interactions = {"ba", "ab"}}, groups).ids,
              ElementsAre(1, 2, Pair(1, 2)));
  EXPECT_THAT(
      Expand({.constant = false, .leave_duplicates = true, .interactions = {"ba", "ab"}}, groups)
          .ids,
      ElementsAre(1, 2, Pair(1, 2), Pair(2, 1)));
}

TEST(LetterFeaturesTest, WildcardsMatchLettersInTheOrderOfBytes) {
  EXPECT_THAT(Expand({.constant = false, .interactions = {"::"}}, {{"b", {2}}, {"a", {1}}}).ids,
              ElementsAre(2, 1, Pair(1, 1), Pair(1, 2), Pair(2, 2)));
}

TEST(LetterFeaturesTest, ALimitKeepsTheLowestIdsOfAListThatIsTooLong) {
  EXPECT_THAT(Expand({.constant = false, .limits = {{.letter = 'u', .number = 2}}},
                     {{"u", {7, 3, 3, 5}}, {"v", {9, 8, 6}}})
                  .ids,
              ElementsAre(3, 5, 9, 8, 6));
}

TEST(LetterFeaturesTest, NgramsAreThoseOfTheLetter) {
  constexpr uint32_t kFactor = 27942141;
  EXPECT_THAT(Expand({.constant = false, .ngrams = {{.letter = 'u', .number = 2}}},
                     {{"u", {1, 2}}, {"v", {3, 4}}})
                  .ids,
              ElementsAre(1, 2, (1 * kFactor + 2) % (1 << 18), 3, 4));
}

TEST(LetterFeaturesTest, TheOffsetIsNoFeature) {
  const Expanded expanded =
      Expand({.constant = false}, {{"u", {1}}, {std::string(kOffsetNamespace), {4}}});
  EXPECT_THAT(expanded.ids, ElementsAre(1));
  EXPECT_EQ(expanded.offset, 2.5f);
}

}  // namespace
}  // namespace freshet
