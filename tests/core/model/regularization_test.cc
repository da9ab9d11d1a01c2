// Tests what l1 and l2 do to the weights of every learner. reference_test.cc tests that each rule
// is implemented as documented.

#include <cmath>
#include <memory>
#include <variant>
#include <vector>

#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"
#include "tests/support/reference_scaled_learner.h"

namespace freshet {
namespace {

constexpr uint32_t kFeatureCount = 40;

// Only the first four features matter; the first one is in every example.
std::vector<StreamExample> MostlyNoise() {
  std::vector<StreamExample> examples =
      MakeStream({.example_count = 3000, .feature_count = kFeatureCount, .unit_values = true});
  for (StreamExample& example : examples) {
    double score = -1.5;
    for (const auto& [id, value] : example.features) {
      if (id < 4) score += value * (id % 2 == 0 ? 3.0 : -3.0);
    }
    example.label = score > 0 ? 1.0f : -1.0f;
  }
  return examples;
}

uint64_t ZeroCount(const Learner& learner) {
  uint64_t count = 0;
  for (uint32_t id = 0; id < kFeatureCount; ++id) count += WeightOf(learner, id) == 0 ? 1 : 0;
  return count;
}

std::vector<NamedSpec> EveryOptimizerWithL1() {
  std::vector<NamedSpec> specs;
  for (NamedSpec& named : EveryOptimizerAndSchedule()) {
    const bool is_constant = std::holds_alternative<ConstantSchedule>(named.spec.schedule);
    if (!is_constant || std::holds_alternative<Coin::Options>(named.spec.optimizer) ||
        std::holds_alternative<AutoOptions>(named.spec.optimizer)) {
      continue;
    }
    named.spec.linear.intercept = false;  // So that WeightOf() involves no rounding.
    specs.push_back(named);
  }
  return specs;
}

// A strength of l1 that suppresses some noise. FTRL applies l1 to the sum of all gradients, NAG at
// every step of the learner, the others at every step of the feature. At a constant rate, these
// others hold a weight at 0 only while gradients are smaller than l1.
double StrengthOf(const OptimizerOptions& optimizer) {
  if (std::holds_alternative<Ftrl::Options>(optimizer)) return 15;
  if (std::holds_alternative<NagOptions>(optimizer)) return 3e-4;
  return 0.1;
}

TEST(RegularizationTest, L1MakesWeakWeightsExactlyZeroAndKeepsTheStrong) {
  const std::vector<StreamExample> examples = MostlyNoise();
  for (auto& [name, spec] : EveryOptimizerWithL1()) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> plain = NewLearner(spec);
    Learn(*plain, examples);
    EXPECT_LT(ZeroCount(*plain), 3u);
    LearnerSpec sparse = spec;
    sparse.linear.l1 = StrengthOf(spec.optimizer);
    const std::unique_ptr<Learner> learner = NewLearner(sparse);
    Learn(*learner, examples);
    EXPECT_GE(ZeroCount(*learner), 3u);
    for (uint32_t id = 1; id < 4; ++id) {
      EXPECT_GT(WeightOf(*learner, id) * (id % 2 == 0 ? 1 : -1), 0) << id;
    }
    sparse.linear.l1 = 1000;
    const std::unique_ptr<Learner> nothing = NewLearner(sparse);
    Learn(*nothing, examples);
    EXPECT_EQ(ZeroCount(*nothing), kFeatureCount);
  }
}

TEST(RegularizationTest, ZeroWeightsAreCountedAlsoAfterAStop) {
  const std::vector<StreamExample> examples = MostlyNoise();
  for (auto& [name, spec] : EveryOptimizerWithL1()) {
    SCOPED_TRACE(name);
    spec.linear.l1 = StrengthOf(spec.optimizer);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, examples);
    // A slot that is all zero looks as if it had never been touched.
    const uint64_t unused = kFeatureCount - learner->CountUsedSlots();
    EXPECT_EQ(learner->CountZeroWeights(), ZeroCount(*learner) - unused);
    EXPECT_EQ(Restored(spec, StateOf(*learner))->CountZeroWeights(), learner->CountZeroWeights());
  }
}

TEST(RegularizationTest, WhatIsAllZeroTakesNoRoomInAState) {
  LearnerSpec spec;
  spec.optimizer = Sgd::Options{};
  spec.linear.l1 = 1000;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, MostlyNoise());
  EXPECT_EQ(learner->CountUsedSlots(), 0u);
  EXPECT_EQ(StateOf(*learner).size(), StateOf(*NewLearner(spec)).size());
}

TEST(RegularizationTest, TheInterceptIsRegularizedWhereItIsAskedFor) {
  const std::vector<StreamExample> examples = MostlyNoise();
  for (auto& [name, spec] : EveryOptimizerWithL1()) {
    SCOPED_TRACE(name);
    spec.linear.intercept = true;
    spec.linear.initial_intercept = 0;
    spec.linear.l1 = 1000;
    const std::unique_ptr<Learner> free = NewLearner(spec);
    Learn(*free, examples);
    EXPECT_LT(ScoreOf(*free, {}), -0.1);
    spec.linear.regularize_intercept = true;
    const std::unique_ptr<Learner> held = NewLearner(spec);
    Learn(*held, examples);
    EXPECT_EQ(ScoreOf(*held, {}), 0);
  }
}

// The weights that NAG stores drift away from the effective weights; they must be settled in time,
// without disturbing learning.
TEST(RegularizationTest, StrongL2OfNagIsTheReferencesOverManySettlements) {
  LearnerSpec spec;
  spec.optimizer = NagOptions{};
  spec.linear = {.learning_rate = 0.5, .l2 = 0.3, .intercept_learning_rate = 0.5, .bits = 10};
  const std::vector<StreamExample> examples =
      MakeStream({.seed = 3, .example_count = 1500, .feature_count = kFeatureCount});
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  ReferenceScaledLearner reference(spec, kFeatureCount);
  const std::vector<float> scores = Learn(*learner, examples);
  for (size_t i = 0; i < examples.size(); ++i) {
    const double expected = reference.Learn(examples[i]);
    ASSERT_NEAR(scores[i], expected, 3e-4 * (1 + std::abs(expected))) << i;
  }
}

}  // namespace
}  // namespace freshet
