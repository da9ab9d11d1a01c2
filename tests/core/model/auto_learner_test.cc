// Tests what the mixture is good for. reference_test.cc tests that it follows its rule.

#include "core/model/auto_learner.h"

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/loss/logistic.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"

namespace freshet {
namespace {

LearnerSpec AutoSpec(LossKind loss = LossKind::kLogistic) {
  LearnerSpec spec;
  spec.loss = loss;
  spec.optimizer = AutoOptions{};
  spec.linear.bits = 16;
  return spec;
}

LearnerSpec SpecOf(const OptimizerOptions& optimizer, double learning_rate) {
  LearnerSpec spec = AutoSpec();
  spec.optimizer = optimizer;
  spec.linear.learning_rate = spec.linear.intercept_learning_rate = learning_rate;
  return spec;
}

double MeanLoss(const std::vector<float>& scores, const std::vector<StreamExample>& examples,
                size_t begin, size_t end) {
  double sum = 0;
  for (size_t i = begin; i < end; ++i) {
    sum += LogisticLoss::Value(scores[i], examples[i].label);
  }
  return sum / static_cast<double>(end - begin);
}

// A stream of clicks on ads by users. The hidden weights are drawn anew at `jump_at`.
class JumpingStream {
 public:
  JumpingStream(size_t size, size_t jump_at) {
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    std::vector<double> weights(size_t{kFields} * kValues);
    for (size_t i = 0; i < size; ++i) {
      if (i == 0 || i == jump_at) {
        for (double& weight : weights) weight = normal(random);
      }
      StreamExample example;
      double logit = -0.5;
      for (uint32_t field = 0; field < kFields; ++field) {
        const uint32_t id = field * kValues + static_cast<uint32_t>(random() % kValues);
        example.features.push_back({id, 1});
        logit += weights[id];
      }
      const double probability = 1 / (1 + std::exp(-logit));
      example.label = random() / 4294967296.0 < probability ? 1.0f : -1.0f;
      examples.push_back(example);
      floors.push_back(LogisticLoss::Value(logit, example.label));
    }
  }

  std::vector<StreamExample> examples;
  std::vector<double> floors;  // The losses of a predictor that knows the hidden weights.

 private:
  static constexpr uint32_t kFields = 6;
  static constexpr uint32_t kValues = 10;
};

// The number of examples after `jump_at` until the mean loss of kWindow examples is within 2 % of
// the floor.
size_t ExamplesToRecover(const LearnerSpec& spec, const JumpingStream& stream, size_t jump_at) {
  constexpr size_t kWindow = 3000;
  const std::vector<float> scores = Learn(*NewLearner(spec), stream.examples);
  double loss = 0;
  double floor = 0;
  for (size_t i = jump_at; i < scores.size(); ++i) {
    loss += LogisticLoss::Value(scores[i], stream.examples[i].label);
    floor += stream.floors[i];
    if (i - jump_at < kWindow) continue;
    loss -= LogisticLoss::Value(scores[i - kWindow], stream.examples[i - kWindow].label);
    floor -= stream.floors[i - kWindow];
    if (loss <= 1.02 * floor) return i - jump_at;
  }
  return scores.size() - jump_at;
}

TEST(AutoLearnerTest, RecoversFromAJumpFiveTimesSoonerThanFtrlAndAdaGrad) {
  constexpr size_t kJumpAt = 150000;
  const JumpingStream stream(400000, kJumpAt);
  const size_t mixture = ExamplesToRecover(AutoSpec(), stream, kJumpAt);
  const size_t ftrl = ExamplesToRecover(SpecOf(Ftrl::Options{}, 0.1), stream, kJumpAt);
  const size_t adagrad = ExamplesToRecover(SpecOf(AdaGrad::Options{}, 0.2), stream, kJumpAt);
  RecordProperty("mixture", static_cast<int>(mixture));
  RecordProperty("ftrl", static_cast<int>(ftrl));
  RecordProperty("adagrad", static_cast<int>(adagrad));
  EXPECT_LE(5 * mixture, ftrl);
  EXPECT_LE(5 * mixture, adagrad);
}

TEST(AutoLearnerTest, IsHardlyWorseThanItsBestPart) {
  const JumpingStream stream(20000, 0);
  const std::unique_ptr<Learner> learner = NewLearner(AutoSpec());
  const std::vector<float> scores = Learn(*learner, stream.examples);
  const std::vector<float> adagrad =
      Learn(*NewLearner(SpecOf(AdaGrad::Options{}, 0.2)), stream.examples);
  EXPECT_LE(MeanLoss(scores, stream.examples, 0, scores.size()),
            MeanLoss(adagrad, stream.examples, 0, scores.size()) + 0.0005);
}

TEST(AutoLearnerTest, ListsItsPartsWithWeightsThatAddUpToOne) {
  LearnerSpec spec = AutoSpec();
  spec.optimizer = AutoOptions{.coin = false, .fast_sgd = false};
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const JumpingStream stream(5000, 0);
  Learn(*learner, stream.examples);
  double sum = 0;
  std::vector<std::string> names;
  for (const MixturePart& part : learner->Mixture()) {
    names.emplace_back(part.name);
    sum += part.weight;
    EXPECT_GT(part.decayed_loss, 0.2) << part.name;
    EXPECT_LT(part.decayed_loss, 0.8) << part.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"adagrad", "fading_adagrad", "newton", "slow_sgd",
                                             "steady_mixer", "nimble_mixer", "base_rate"}));
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_TRUE(NewLearner(SpecOf(AdaGrad::Options{}, 0.2))->Mixture().empty());
}

TEST(AutoLearnerTest, ScalesOfValuesMakeNoDifference) {
  std::vector<StreamExample> examples = MakeStream({.example_count = 2000});
  std::vector<StreamExample> scaled = examples;
  for (StreamExample& example : scaled) {
    for (StreamFeature& feature : example.features) {
      feature.value *= std::ldexp(1.0f, static_cast<int>(feature.id % 40) - 20);
    }
  }
  EXPECT_EQ(Learn(*NewLearner(AutoSpec()), scaled), Learn(*NewLearner(AutoSpec()), examples));
}

TEST(AutoLearnerTest, ScaleAndCenterOfLabelsMakeNoDifferenceToSquaredLoss) {
  std::vector<StreamExample> examples =
      MakeStream({.loss = LossKind::kSquared, .example_count = 2000});
  std::vector<StreamExample> scaled = examples;
  for (StreamExample& example : scaled) example.label = 1024 * example.label + 65536;
  const std::vector<float> scores = Learn(*NewLearner(AutoSpec(LossKind::kSquared)), examples);
  const std::vector<float> others = Learn(*NewLearner(AutoSpec(LossKind::kSquared)), scaled);
  // All examples but the first, which is predicted before any label is known.
  for (size_t i = 1; i < scores.size(); ++i) {
    ASSERT_NEAR(others[i], 1024 * scores[i] + 65536, 1 + 0.001 * std::abs(1024 * scores[i])) << i;
  }
}

TEST(AutoLearnerTest, FollowsTheTrendOfLabelsWithoutAnyFeature) {
  // Labels rarely change, so the last ones predict the next.
  std::vector<StreamExample> examples;
  std::mt19937 random(5);
  float label = 1;
  for (int i = 0; i < 4000; ++i) {
    if (random() % 20 == 0) label = -label;
    examples.push_back({.label = label, .weight = 1, .features = {}});
  }
  const std::vector<float> scores = Learn(*NewLearner(AutoSpec()), examples);
  EXPECT_LT(MeanLoss(scores, examples, 1000, 4000), 0.35);  // It would be 0.69 without the trend.
}

}  // namespace
}  // namespace freshet
