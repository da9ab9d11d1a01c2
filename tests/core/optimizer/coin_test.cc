#include "core/optimizer/coin.h"

#include <cmath>
#include <memory>
#include <vector>

#include "core/loss/logistic.h"
#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"

namespace freshet {
namespace {

LearnerSpec SpecOf(const Coin::Options& options) {
  LearnerSpec spec;
  spec.optimizer = options;
  spec.linear = {.intercept = false, .bits = 10};
  return spec;
}

TEST(CoinTest, TheFirstStepIsWhatThePaperSays) {
  const std::unique_ptr<Learner> learner = NewLearner(SpecOf({.alpha = 3, .beta = 2}));
  Learn(*learner, {{{.label = 1, .features = {{3, 5}}}}});
  // g = -1/2, X = 5, M = 2, z = A = 2.5, W = 0: w = 3 * 2.5 / (10 * 12.5), and the mean norm is 1.
  EXPECT_NEAR(ScoreOf(*learner, {.features = {{3, 5}}}), 5 * 3 * 2.5 / 125, 1e-6);
}

TEST(CoinTest, ABetIsNeverMoreThanTheWealth) {
  const Coin coin({.alpha = 1, .beta = 1});
  Coin::Slot slot{};
  for (int i = 0; i < 2000; ++i) {
    const bool wins = i < 1000 || i % 2 == 0;
    coin.Step(wins ? -1.0f : 1.0f, 1, slot);
    ASSERT_GT(1 + slot.gain, 0) << i;
    ASSERT_TRUE(Coin::IsValid(slot)) << i;
  }
}

double ProgressiveLoss(const std::vector<StreamExample>& examples) {
  const std::unique_ptr<Learner> learner = NewLearner(SpecOf({}));
  const std::vector<float> scores = Learn(*learner, examples);
  double sum = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    sum += LogisticLoss::Value(scores[i], examples[i].label);
  }
  return sum / static_cast<double>(examples.size());
}

TEST(CoinTest, RawScalesOfFeaturesMakeNoDifference) {
  const std::vector<StreamExample> examples = MakeStream({.example_count = 1500});
  std::vector<StreamExample> raw = examples;
  for (StreamExample& example : raw) {
    for (StreamFeature& feature : example.features) {
      feature.value *= static_cast<float>(std::pow(4.0, static_cast<int>(feature.id % 13) - 6));
    }
  }
  EXPECT_NEAR(ProgressiveLoss(raw), ProgressiveLoss(examples), 1e-5);
}

TEST(CoinTest, WeightsTurnRoundAfterADrift) {
  const std::unique_ptr<Learner> learner = NewLearner(SpecOf({}));
  Learn(*learner, std::vector<StreamExample>(300, {.label = 1, .features = {{3, 1}}}));
  EXPECT_GT(WeightOf(*learner, 3), 1);
  Learn(*learner, std::vector<StreamExample>(300, {.label = -1, .features = {{3, 1}}}));
  EXPECT_LT(WeightOf(*learner, 3), -1);
}

}  // namespace
}  // namespace freshet
