#include "core/optimizer/ftrl.h"

#include <cmath>
#include <memory>
#include <vector>

#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"

namespace freshet {
namespace {

LearnerSpec SpecOf(const Ftrl::Options& options, double l1 = 0, double l2 = 0) {
  LearnerSpec spec;
  spec.optimizer = options;
  spec.linear = {.learning_rate = 0.5, .l1 = l1, .l2 = l2, .intercept = false, .bits = 10};
  return spec;
}

// g = -1/2 for each feature of value 1 at score 0.
std::vector<StreamExample> OnePositive() { return {{.label = 1, .features = {{3, 1}}}}; }

TEST(FtrlTest, TheFirstStepIsWhatThePaperSays) {
  // z = -0.5, n = 0.25: w = (0.5 - l1) / (l2 + (beta + 0.5) / alpha).
  const std::unique_ptr<Learner> plain = NewLearner(SpecOf({.beta = 2}));
  Learn(*plain, OnePositive());
  EXPECT_FLOAT_EQ(WeightOf(*plain, 3), 0.5 / (2.5 / 0.5));
  const std::unique_ptr<Learner> regularized = NewLearner(SpecOf({.beta = 2}, 0.1, 3));
  Learn(*regularized, OnePositive());
  EXPECT_FLOAT_EQ(WeightOf(*regularized, 3), 0.4 / (3 + 2.5 / 0.5));
}

TEST(FtrlTest, WithoutRegularisationItIsAdaGradWithBetaBesideTheRoot) {
  const std::vector<StreamExample> examples =
      MakeStream({.example_count = 2000, .feature_count = 30, .importance_weights = true});
  constexpr double kBeta = 0.7;
  const LearnerSpec spec = SpecOf({.beta = kBeta});
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const std::vector<float> scores = Learn(*learner, examples);
  std::vector<double> weights(30);
  std::vector<double> square_sums(30);
  for (size_t i = 0; i < examples.size(); ++i) {
    double score = 0;
    for (const auto& [id, value] : examples[i].features) score += weights[id] * value;
    ASSERT_NEAR(scores[i], score, 3e-4 * (1 + std::abs(score))) << i;
    const double p = 1 / (1 + std::exp(-score));
    for (const auto& [id, value] : examples[i].features) {
      const double g = examples[i].weight * (p - (examples[i].label > 0 ? 1 : 0)) * value;
      square_sums[id] += g * g;
      weights[id] -= spec.linear.learning_rate * g / (kBeta + std::sqrt(square_sums[id]));
    }
  }
}

// A stream of 40 features, of which all but the first few are noise.
std::vector<StreamExample> MostlyNoise() {
  std::vector<StreamExample> examples = MakeStream({.example_count = 3000, .feature_count = 40});
  for (StreamExample& example : examples) {
    double score = 0;
    for (const auto& [id, value] : example.features) score += id < 4 ? value * (id + 1.0) : 0;
    example.label = score > 0 ? 1.0f : -1.0f;
  }
  return examples;
}

size_t ZeroCount(const Learner& learner) {
  size_t count = 0;
  for (uint32_t id = 0; id < 40; ++id) count += WeightOf(learner, id) == 0 ? 1 : 0;
  return count;
}

TEST(FtrlTest, L1DrivesWeakWeightsToExactZeroAndKeepsTheStrong) {
  const std::vector<StreamExample> examples = MostlyNoise();
  size_t last = 0;
  for (const double l1 : {0.0, 3.0, 12.0}) {
    const std::unique_ptr<Learner> learner = NewLearner(SpecOf({}, l1));
    Learn(*learner, examples);
    const size_t zeros = ZeroCount(*learner);
    if (l1 == 0) {
      EXPECT_EQ(zeros, 0u);
    } else {
      EXPECT_GT(zeros, last);
    }
    last = zeros;
    for (uint32_t id = 1; id < 4; ++id) EXPECT_GT(WeightOf(*learner, id), 0) << id;
  }
  EXPECT_GE(last, 25u);
}

// For surviving weights of either sign, the shrinkage must follow the sign of z.
TEST(FtrlTest, L1ShrinksWeightsOfBothSignsTowardsZero) {
  for (const float label : {1.0f, -1.0f}) {
    const std::unique_ptr<Learner> plain = NewLearner(SpecOf({}));
    const std::unique_ptr<Learner> shrunk = NewLearner(SpecOf({}, 0.2));
    for (Learner* learner : {plain.get(), shrunk.get()}) {
      Learn(*learner, std::vector<StreamExample>(4, {.label = label, .features = {{3, 1}}}));
    }
    EXPECT_GT(WeightOf(*shrunk, 3) * label, 0);
    EXPECT_LT(WeightOf(*shrunk, 3) * label, WeightOf(*plain, 3) * label);
  }
}

TEST(FtrlTest, TheInterceptIsFreeOfL1AndL2AndBeginsWhereItIsTold) {
  LearnerSpec spec = SpecOf({}, 100, 100);
  spec.linear.intercept = true;
  spec.linear.intercept_learning_rate = 0.5;
  spec.linear.initial_intercept = -2;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  EXPECT_EQ(ScoreOf(*learner, {}), -2);
  Learn(*learner, OnePositive());
  const double g = -1 + 1 / (1 + std::exp(2));
  EXPECT_NEAR(ScoreOf(*learner, {}), -2 - 0.5 * g / (1 - g), 1e-6);
  EXPECT_EQ(WeightOf(*learner, 3), 0);
}

}  // namespace
}  // namespace freshet
