// Tests that no number that is not finite ever gets into a learner, whatever the examples are.

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "core/base/state.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"

namespace freshet {
namespace {

constexpr float kHuge = 1e38f;
constexpr float kTiny = std::numeric_limits<float>::denorm_min();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Examples in which the features 0 to 9 are hostile in many ways; labels of the logistic loss are 1
// and -1.
std::vector<StreamExample> HostileExamples(LossKind loss) {
  std::mt19937 random(3);
  const std::vector<float> values = {kHuge, -kHuge, kTiny, -kTiny, 1e20f, -1e12f,    1e-30f, 1,
                                     0.5f,  1e6f,   -1e6f, kNan,   1e12f, kInfinity, -3e38f, 1e9f};
  const std::vector<float> labels = {1, -1, kHuge, -1e30f, 1e6f, 1e12f, kTiny, 1e11f};
  const std::vector<float> weights = {1, 1, 1, 1e-38f, kHuge, 1e12f, 3, 1000, 0, kTiny};
  std::vector<StreamExample> examples(3000);
  for (StreamExample& example : examples) {
    const size_t label_count = IsBinary(loss) ? 2 : labels.size();
    example.label = labels[random() % label_count];
    if (loss == LossKind::kPoisson) example.label = std::abs(example.label);
    example.weight = weights[random() % weights.size()];
    for (size_t count = random() % 4 + 1; count > 0; --count) {
      example.features.push_back(
          {static_cast<uint32_t>(random() % 10), values[random() % values.size()]});
    }
  }
  return examples;
}

void ExpectAllFinite(const LearnerSpec& spec, const Learner& learner,
                     const std::vector<float>& scores) {
  for (const float score : scores) ASSERT_TRUE(std::isfinite(score));
  for (uint32_t id = 0; id < 64; ++id) ASSERT_TRUE(std::isfinite(WeightOf(learner, id))) << id;
  // Loading checks that every number is finite and within the optimizer's bounds.
  const std::unique_ptr<Learner> restored = NewLearner(spec);
  const std::vector<std::byte> state = StateOf(learner);
  StateReader reader(state);
  const absl::Status status = restored->LoadState(reader);
  ASSERT_TRUE(status.ok()) << status;
}

TEST(HostileTest, EveryOptimizerAndLossStaysFiniteAndGoesOnLearning) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    const std::vector<float> scores = Learn(*learner, HostileExamples(spec.loss));
    ExpectAllFinite(spec, *learner, scores);
    EXPECT_GT(learner->skipped_count(), 0u);
    EXPECT_LT(learner->skipped_count(), learner->example_count());

    // Ordinary examples of other features are still learned as usual.
    const uint64_t used = learner->CountUsedSlots();
    const uint64_t skipped = learner->skipped_count();
    // Both labels occur, so that one of them is a surprise; weights differ, so that steps do not
    // cancel out.
    for (int i = 0; i < 21; ++i) {
      Learn(*learner, std::vector<StreamExample>{
                          {.label = 1, .weight = 1, .features = {{20, 1}, {21, -1}}},
                          {.label = -1, .weight = 3, .features = {{20, 1}, {21, -1}}}});
    }
    EXPECT_EQ(learner->skipped_count(), skipped);
    EXPECT_EQ(learner->CountUsedSlots(), used + 2);
  }
}

TEST(HostileTest, EveryOptimizerStaysFiniteAtTheEdgesOfItsOptions) {
  const std::vector<OptimizerOptions> extremes = {
      Sgd::Options{},
      MiniBatch::Options{.examples = 1},
      Momentum::Options{.momentum = 0.9999},
      Momentum::Options{.momentum = 0},
      Nesterov::Options{.momentum = 0.9999},
      AdaGrad::Options{.epsilon = 1e-12},
      RmsProp::Options{.rho = 0, .epsilon = 1e-12},
      RmsProp::Options{.rho = 0.999999, .epsilon = 1e-12},
      Adam::Options{.beta1 = 0.9999, .beta2 = 0, .epsilon = 1e-12},
      Adam::Options{.beta1 = 0, .beta2 = 0.999999, .epsilon = 1e-12},
      Ftrl::Options{.beta = 1e-12},
      NagOptions{.power = 0},
      NagOptions{},
      NagOptions{.power = 1},
      NagOptions{.power = 1, .invariant = false},
      NagOptions{.normalized = false},
      NagOptions{.adaptive = false},
      NagOptions{.adaptive = false, .normalized = false, .invariant = false},
      Coin::Options{.alpha = 1e-12, .beta = 1e-12},
      Coin::Options{.alpha = 1e6, .beta = 1e6},
      AutoOptions{.share = 0},
      AutoOptions{.share = 0.5},
      AutoOptions{.adagrad = false, .fading_adagrad = false, .coin = false, .newton = false},
      AutoOptions{.rules = AutoRules::kFirst},
  };
  for (size_t i = 0; i < extremes.size(); ++i) {
    for (const LossKind loss : {LossKind::kLogistic, LossKind::kSquared, LossKind::kHinge,
                                LossKind::kPoisson, LossKind::kQuantile}) {
      struct Rates {
        double rate;
        double l1;
        double l2;
      };
      for (const auto& [rate, l1, l2] :
           {Rates{1000, 0, 0.0009}, Rates{0.0009, 0, 1000}, Rates{1000, 1000, 0.0009},
            Rates{1000, 1e12, 0}, Rates{1000, 1e-9, 0}}) {
        SCOPED_TRACE(i);
        LearnerSpec spec;
        spec.loss = loss;
        spec.optimizer = extremes[i];
        spec.linear = {.learning_rate = rate,
                       .l1 = l1,
                       .l2 = l2,
                       .intercept_learning_rate = 1000,
                       .initial_intercept = 100,
                       .regularize_intercept = l1 > 1,
                       .bits = 10};
        const std::unique_ptr<Learner> learner = NewLearner(spec);
        ExpectAllFinite(spec, *learner, Learn(*learner, HostileExamples(loss)));
      }
    }
  }
}

TEST(HostileTest, AnExampleThatCannotBeLearnedIsSkippedAndCounted) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    const std::vector<std::byte> before = StateOf(*learner);
    const std::vector<float> scores =
        Learn(*learner, std::vector<StreamExample>{
                            {.label = 1, .weight = 1, .features = {{1, kNan}}},
                            {.label = 1, .weight = 1, .features = {{1, 1}, {2, -kHuge}}},
                            {.label = 1, .weight = kHuge, .features = {{1, 1}}},
                        });
    EXPECT_EQ(learner->skipped_count(), 3u);
    EXPECT_EQ(learner->example_count(), 3u);
    EXPECT_EQ(learner->CountUsedSlots(), 0u);
    EXPECT_EQ(scores[0], 0);
    EXPECT_FLOAT_EQ(scores[1], -0.4f);  // The intercept's score was finite, so it is returned.
  }
}

TEST(HostileTest, PredictionsAreFinite) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, MakeStream({.loss = spec.loss}));
    for (const float value : {kHuge, -kHuge, kNan, kInfinity, kTiny}) {
      const float score =
          ScoreOf(*learner, {.label = 0, .weight = 1, .features = {{0, value}, {1, value}}});
      EXPECT_TRUE(std::isfinite(score));
      EXPECT_TRUE(std::isfinite(learner->Prediction(score)));
    }
    EXPECT_TRUE(std::isfinite(learner->Prediction(kHuge)));
    EXPECT_TRUE(std::isfinite(learner->Prediction(-kHuge)));
  }
}

}  // namespace
}  // namespace freshet
