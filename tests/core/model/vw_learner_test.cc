// The rules by which models give the same numbers as Vowpal Wabbit. Expected losses were printed by
// its version 9.11.2.

#include "core/model/vw_learner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/model/factory.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;

StreamExample Example(float label, std::vector<StreamFeature> features, float weight = 1) {
  return {.label = label, .weight = weight, .features = std::move(features)};
}

// The weight in a slot, whatever range its scores are clipped to.
float StoredWeight(const Learner& learner, uint32_t slot) {
  TableWeight weight;
  learner.ReadWeights(slot, {&weight, 1});
  return weight.weight;
}

// All three switches off.
LearnerSpec PlainSpec(LossKind loss = LossKind::kSquared) {
  LearnerSpec spec;
  spec.loss = loss;
  spec.optimizer = NagOptions{};
  spec.linear = {.learning_rate = 0.1, .intercept = false, .bits = 10};
  spec.rules = LinearRules::kSecond;
  spec.vw.emplace();
  spec.vw->loss.kind = loss;
  spec.vw->descent = {
      .power = 0, .adaptive = false, .normalized = false, .invariant = false, .initial_t = 1};
  return spec;
}

TEST(VwLearnerTest, ScoresStayBetweenZeroAndTheLabelsThatOfTheExampleIncluded) {
  LearnerSpec spec = PlainSpec();
  spec.linear.learning_rate = 0.5;  // A step reaches the label.
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  EXPECT_THAT(Learn(*learner, {{Example(2, {{1, 1}}), Example(-1, {{1, 1}}), Example(3, {{1, -1}}),
                                Example(9, {{1, 4}})}}),
              ElementsAre(0, 2, 1, -1));
}

TEST(VwLearnerTest, AFixedRangeDoesNotGrowAndTheBoundThatIsNotGivenIsZero) {
  LearnerSpec spec = PlainSpec();
  spec.linear.learning_rate = 0.5;
  spec.vw->bounds.max = 1.5;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  EXPECT_THAT(
      Learn(*learner, {{Example(2, {{1, 1}}), Example(-4, {{1, 1}}), Example(3, {{1, 1}})}}),
      ElementsAre(0, 1.5f, 0));
}

TEST(VwLearnerTest, RatesFallWithTheSumOfWeights) {
  LearnerSpec spec = PlainSpec();
  spec.vw->descent.power = 1;
  spec.vw->descent.initial_t = 2;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, {{Example(1, {{1, 1}}, 3)}});
  // The gradient is -2; the rate is 0.1 * 2^1 * 3 / (2 + 3).
  EXPECT_FLOAT_EQ(static_cast<float>(WeightOf(*learner, 1)), 0.1f * 2 * 3 / 5 * 2);
}

TEST(VwLearnerTest, WeightsAndTheConstantBeginAsTold) {
  LearnerSpec spec = PlainSpec();
  spec.vw->descent.initial_weight = 0.25;
  spec.vw->constant = -3;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  EXPECT_EQ(StoredWeight(*learner, 5), 0.25f);
  EXPECT_EQ(StoredWeight(*learner, LetterFeatures::kConstantId % 1024), -3);
}

TEST(VwLearnerTest, SumsOfSquaresBeginAtInitialT) {
  LearnerSpec spec = PlainSpec();
  spec.vw->descent = {
      .power = 0.5, .adaptive = true, .normalized = false, .invariant = false, .initial_t = 5};
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, {{Example(1, {{1, 1}})}});
  EXPECT_NEAR(WeightOf(*learner, 1), 0.1 * 2 / std::sqrt(5 + 4), 1e-6);
}

// The second of two features in a slot leaves the rate by which both move.
TEST(VwLearnerTest, TwoFeaturesOfOneSlotMoveByTheSameRate) {
  LearnerSpec spec = PlainSpec();
  spec.vw->descent = {.power = 0.5, .adaptive = true, .normalized = false, .invariant = false};
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, {{Example(1, {{1, 1}, {1, 3}})}});
  const double rate = 1 / std::sqrt(4.0 + 4 * 9);
  EXPECT_NEAR(WeightOf(*learner, 1), 0.1 * 2 * (1 + 3) * rate, 1e-6);
}

TEST(VwLearnerTest, AnExampleOfLossZeroIsNotLearnedUnlessSparseL2LowersIt) {
  LearnerSpec spec = PlainSpec(LossKind::kMarginHinge);
  spec.linear.learning_rate = 2;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  spec.vw->sparse_l2 = 0.1;
  const std::unique_ptr<Learner> lowered = NewLearner(spec);
  const std::vector<StreamExample> examples = {Example(1, {{1, 1}}), Example(1, {{1, 1}})};
  Learn(*learner, examples);
  Learn(*lowered, examples);
  EXPECT_EQ(StoredWeight(*learner, 1), 2);
  EXPECT_NEAR(StoredWeight(*lowered, 1), 2 - 0.1 * 1, 1e-6);  // The score was clipped to the label.
}

TEST(VwLearnerTest, LogisticLabelsAreSharesAndClearCasesAreNotLearned) {
  const VwLoss loss({.kind = LossKind::kShareLogistic});
  EXPECT_NEAR(loss.Value(0, 0), std::log(2), 1e-12);
  EXPECT_EQ(loss.Gradient(0, 0), 0);
  EXPECT_FLOAT_EQ(loss.Gradient(0, 0.5f), -0.25f);
  EXPECT_TRUE(loss.IsPositive(16.63f, 1));
  EXPECT_FALSE(loss.IsPositive(16.64f, 1));
  EXPECT_TRUE(loss.IsPositive(-40, 1));
}

TEST(VwLearnerTest, ExpectilesWeighErrorsBySide) {
  const VwLoss loss({.kind = LossKind::kExpectile, .parameter = 0.1});
  EXPECT_NEAR(loss.Value(3, 1), 0.1 * 4, 1e-7);
  EXPECT_NEAR(loss.Value(1, 3), 0.9 * 4, 1e-7);
  EXPECT_FLOAT_EQ(loss.Gradient(3, 1), 0.4f);
}

TEST(VwLearnerTest, ClassicStepsMayOvershoot) {
  EXPECT_EQ(VwLoss({.is_classic = true}).ImportanceStep(0, 1, 5, 1), 10);
  EXPECT_NEAR(VwLoss({}).ImportanceStep(0, 1, 5, 1), 1, 1e-4);
}

TEST(VwLearnerTest, HingeLabelsMayBeAnyNumber) {
  const VwLoss loss({.kind = LossKind::kMarginHinge});
  EXPECT_EQ(loss.Value(1, 0), 1);
  EXPECT_EQ(loss.Gradient(1, 0), 0);
  EXPECT_EQ(loss.Value(0.25, 2), 0.5);
  EXPECT_EQ(loss.Gradient(0.25f, 2), -2);
}

TEST(VwLearnerTest, ASavedStateGoesOnAsBefore) {
  for (const bool adaptive : {false, true}) {
    for (const bool normalized : {false, true}) {
      LearnerSpec spec = PlainSpec();
      spec.linear.l1 = 1e-4;
      spec.vw->descent = {.power = 0.3, .adaptive = adaptive, .normalized = normalized};
      const std::vector<StreamExample> examples =
          MakeStream({.loss = LossKind::kSquared, .example_count = 300});
      const std::span<const StreamExample> all(examples);
      const std::unique_ptr<Learner> learner = NewLearner(spec);
      Learn(*learner, all.first(200));
      const std::unique_ptr<Learner> restored = Restored(spec, StateOf(*learner));
      EXPECT_EQ(Learn(*learner, all.subspan(200)), Learn(*restored, all.subspan(200)));
      EXPECT_EQ(StateOf(*learner), StateOf(*restored));
    }
  }
}

// Of FTRL without beta, l1 and l2, the first step of a feature has the length of the rate.
TEST(VwLearnerTest, FtrlNeedsNoBeta) {
  LearnerSpec spec = PlainSpec();
  spec.optimizer = Ftrl::Options{.beta = 0};
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  EXPECT_EQ(WeightOf(*learner, 1), 0);
  Learn(*learner, {{Example(1, {{1, 1}})}});
  EXPECT_FLOAT_EQ(static_cast<float>(WeightOf(*learner, 1)), 0.1f);
}

// New models of these learners clip all scores and count weights.
TEST(LinearRulesTest, TheSecondRulesClipScores) {
  for (const OptimizerOptions& optimizer :
       {OptimizerOptions(Sgd::Options{}), OptimizerOptions(Ftrl::Options{}),
        OptimizerOptions(Coin::Options{}), OptimizerOptions(NagOptions{})}) {
    LearnerSpec spec;
    spec.loss = LossKind::kQuantile;
    spec.quantile_tau = 0.9;
    spec.optimizer = optimizer;
    spec.linear = {.learning_rate = 100, .intercept = false, .bits = 10};
    spec.rules = LinearRules::kSecond;
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    std::vector<StreamExample> examples(50, Example(3, {{1, 1}}));
    examples.push_back(Example(1, {{1, 1000}}));
    examples.push_back(Example(-2, {{1, -1000}}));
    for (const float score : Learn(*learner, examples)) {
      EXPECT_GE(score, -2) << optimizer.index();
      EXPECT_LE(score, 3) << optimizer.index();
    }
    EXPECT_LE(ScoreOf(*learner, Example(0, {{1, 1e6f}})), 3) << optimizer.index();
    EXPECT_GE(ScoreOf(*learner, Example(0, {{1, -1e6f}})), -2) << optimizer.index();
  }
}

TEST(LinearRulesTest, TheSecondRulesFallWithWeights) {
  const auto weight_after = [](LinearRules rules, float first_weight) {
    LearnerSpec spec;
    spec.loss = LossKind::kSquared;
    spec.optimizer = Sgd::Options{};
    spec.schedule = InversePowerSchedule{.t0 = 1, .power = 1};
    spec.linear = {.learning_rate = 0.1, .intercept = false, .bits = 10};
    spec.rules = rules;
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, {{Example(1, {{2, 1}}, first_weight), Example(1, {{1, 1}})}});
    return WeightOf(*learner, 1);
  };
  EXPECT_FLOAT_EQ(weight_after(LinearRules::kFirst, 9), 0.1f);       // 0.1 * 2 * 1 / (1 + 1)
  EXPECT_FLOAT_EQ(weight_after(LinearRules::kSecond, 9), 0.1f / 5);  // 0.1 * 2 * 1 / (1 + 9)
  EXPECT_FLOAT_EQ(weight_after(LinearRules::kSecond, 1), 0.1f);
}

}  // namespace
}  // namespace freshet
