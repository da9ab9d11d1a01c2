#include "core/optimizer/nag.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/loss/logistic.h"
#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/reference_scaled_learner.h"

namespace freshet {
namespace {

LearnerSpec SpecOf(const NagOptions& options, LossKind loss = LossKind::kLogistic) {
  LearnerSpec spec;
  spec.loss = loss;
  spec.optimizer = options;
  spec.linear = {.learning_rate = 0.5, .intercept_learning_rate = 0.5, .bits = 10};
  return spec;
}

TEST(NagTest, TheFirstStepIsWhatThePaperSays) {
  // s = 2, g = -1/2, G = 1, r = 1/2, N = T = 1, P = 2, E = 0.5: v + exp(v) = 2, u = v / 2.
  LearnerSpec spec = SpecOf({});
  spec.linear.intercept = false;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, {{{.label = 1, .features = {{3, 2}}}}});
  const double v = 0.44285440100238858;
  EXPECT_NEAR(WeightOf(*learner, 3), v / 2 * 0.5 * 2, 1e-7);
  // The score has moved to v.
  EXPECT_NEAR(ScoreOf(*learner, {.features = {{3, 2}}}), v, 1e-7);
}

TEST(NagTest, EveryCombinationOfSwitchesAndPowersIsTheReferences) {
  for (const double power : {0.0, 0.3, 0.5, 0.8, 1.0}) {
    for (int switches = 0; switches < 8; ++switches) {
      const NagOptions options = {.power = power,
                                  .adaptive = (switches & 1) != 0,
                                  .normalized = (switches & 2) != 0,
                                  .invariant = (switches & 4) != 0};
      SCOPED_TRACE(std::to_string(power) + " " + std::to_string(switches));
      LearnerSpec spec = SpecOf(options);
      spec.linear.learning_rate = options.adaptive ? 0.3 : 0.1;
      spec.schedule = InversePowerSchedule{.t0 = 100};
      const std::vector<StreamExample> examples = MakeStream({.seed = 21, .example_count = 600});
      const std::unique_ptr<Learner> learner = NewLearner(spec);
      ReferenceScaledLearner reference(spec, 40);
      const std::vector<float> scores = Learn(*learner, examples);
      for (size_t i = 0; i < examples.size(); ++i) {
        const double expected = reference.Learn(examples[i]);
        ASSERT_NEAR(scores[i], expected, 3e-4 * (1 + std::abs(expected))) << i;
      }
    }
  }
}

double ProgressiveLoss(const LearnerSpec& spec, const std::vector<StreamExample>& examples) {
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const std::vector<float> scores = Learn(*learner, examples);
  double sum = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    sum += LogisticLoss::Value(scores[i], examples[i].label);
  }
  return sum / static_cast<double>(examples.size());
}

TEST(NagTest, RawScalesOfFeaturesMakeNoDifference) {
  const std::vector<StreamExample> examples = MakeStream({.example_count = 1500});
  std::vector<StreamExample> raw = examples;
  for (StreamExample& example : raw) {
    for (StreamFeature& feature : example.features) {
      feature.value *= static_cast<float>(std::pow(4.0, static_cast<int>(feature.id % 13) - 6));
    }
  }
  EXPECT_NEAR(ProgressiveLoss(SpecOf({}), raw), ProgressiveLoss(SpecOf({}), examples), 1e-5);
  // Scales do matter if only the adaptive part is on.
  const LearnerSpec adaptive = SpecOf({.normalized = false});
  EXPECT_GT(std::abs(ProgressiveLoss(adaptive, raw) - ProgressiveLoss(adaptive, examples)), 0.01);
}

TEST(NagTest, AHeavyExampleMovesItsScoreUpToTheLabelAndNotBeyond) {
  const std::unique_ptr<Learner> learner = NewLearner(SpecOf({}, LossKind::kSquared));
  // Establishes the range of labels, so that clipping does not interfere.
  Learn(*learner, {{{.label = -100, .features = {{1, 1}}}, {.label = 100, .features = {{2, 1}}}}});
  const StreamExample heavy = {.label = 3, .weight = 1e6f, .features = {{7, 5}, {8, -2}}};
  Learn(*learner, {{heavy}});
  EXPECT_NEAR(ScoreOf(*learner, heavy), 3, 1e-3);
}

TEST(NagTest, ScoresStayWithinTheLabelsSeen) {
  const std::unique_ptr<Learner> learner = NewLearner(SpecOf({}, LossKind::kSquared));
  Learn(*learner, {{{.label = 2, .features = {{1, 1}}}, {.label = 5, .features = {{1, 1}}}}});
  EXPECT_EQ(ScoreOf(*learner, {.features = {{1, 1e6f}}}), 5);
  EXPECT_EQ(ScoreOf(*learner, {.features = {{1, -1e6f}}}), 2);
  // The same holds after the state has been loaded.
  const LearnerSpec spec = SpecOf({}, LossKind::kSquared);
  EXPECT_EQ(ScoreOf(*Restored(spec, StateOf(*learner)), {.features = {{1, 1e6f}}}), 5);
}

TEST(NagTest, L2KeepsWeightsSmallerAndSparesTheIntercept) {
  const std::vector<StreamExample> examples = MakeStream({.example_count = 500});
  LearnerSpec spec = SpecOf({});
  const std::unique_ptr<Learner> plain = NewLearner(spec);
  spec.linear.l2 = 100;
  const std::unique_ptr<Learner> shrunk = NewLearner(spec);
  Learn(*plain, examples);
  Learn(*shrunk, examples);
  for (uint32_t id = 0; id < 5; ++id) {
    EXPECT_LT(std::abs(WeightOf(*shrunk, id)), std::abs(WeightOf(*plain, id)) / 3) << id;
  }
  EXPECT_GT(std::abs(ScoreOf(*shrunk, {})), 0.05);
}

}  // namespace
}  // namespace freshet
