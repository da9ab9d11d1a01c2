// Tests of learners beyond the textbook rules: importance weights, duplicate features, the
// intercept, batches.

#include <cmath>
#include <limits>
#include <memory>
#include <variant>
#include <vector>

#include "core/model/factory.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"

namespace freshet {
namespace {

StreamExample Example(float label, std::vector<StreamFeature> features, float weight = 1) {
  return {.label = label, .weight = weight, .features = std::move(features)};
}

LearnerSpec SgdSpec() {
  LearnerSpec spec;
  spec.optimizer = Sgd::Options{};
  spec.linear.bits = 10;
  spec.linear.learning_rate = 0.25;
  spec.linear.intercept = false;
  return spec;
}

bool KeepsScales(const LearnerSpec& spec) {
  return std::holds_alternative<NagOptions>(spec.optimizer) ||
         std::holds_alternative<Coin::Options>(spec.optimizer) ||
         std::holds_alternative<AutoOptions>(spec.optimizer);
}

TEST(LinearLearnerTest, OneStepOfSgdIsWhatPaperSays) {
  const std::unique_ptr<Learner> learner = NewLearner(SgdSpec());
  Learn(*learner, {{Example(1, {{3, 2}})}});
  // The gradient of log(1 + exp(-s)) at s = 0 is -1/2.
  EXPECT_FLOAT_EQ(WeightOf(*learner, 3), 0.25 * 0.5 * 2);
  EXPECT_EQ(learner->Prediction(0), 0.5f);
}

TEST(LinearLearnerTest, ZeroAndMinusOneAreTheSameLogisticLabel) {
  const std::unique_ptr<Learner> zero = NewLearner(SgdSpec());
  const std::unique_ptr<Learner> minus_one = NewLearner(SgdSpec());
  Learn(*zero, {{Example(0, {{3, 2}}), Example(1, {{4, 1}})}});
  Learn(*minus_one, {{Example(-1, {{3, 2}}), Example(1, {{4, 1}})}});
  EXPECT_EQ(StateOf(*zero), StateOf(*minus_one));
}

TEST(LinearLearnerTest, AnImportanceWeightMultipliesTheGradient) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    if (KeepsScales(spec)) continue;  // There, twice the value only changes the scale.
    SCOPED_TRACE(name);
    LearnerSpec weighted = spec;
    weighted.linear.initial_intercept = 0;
    // One step from score 0: twice the importance weight is twice the gradient, which is also what
    // a single feature gives with the value 2 instead of 1, if there is no intercept.
    weighted.linear.intercept = false;
    if (std::holds_alternative<MiniBatch::Options>(weighted.optimizer)) {
      weighted.optimizer = MiniBatch::Options{.examples = 1};
    }
    const std::unique_ptr<Learner> by_weight = NewLearner(weighted);
    const std::unique_ptr<Learner> by_value = NewLearner(weighted);
    const float label = spec.loss == LossKind::kPoisson ? 3 : 1;  // A count of 1 has no gradient.
    Learn(*by_weight, {{Example(label, {{3, 1}}, 2)}});
    Learn(*by_value, {{Example(label, {{3, 2}})}});
    EXPECT_NE(WeightOf(*by_weight, 3), 0);
    EXPECT_EQ(WeightOf(*by_weight, 3), WeightOf(*by_value, 3));
  }
}

TEST(LinearLearnerTest, AnExampleOfWeightZeroIsPredictedAndChangesNothing) {
  for (const auto& [name, spec] : EveryOptimizerAndSchedule()) {
    SCOPED_TRACE(name);
    const std::vector<StreamExample> examples = MakeStream({.example_count = 101});
    std::vector<StreamExample> with_zeros;
    for (const StreamExample& example : examples) {
      with_zeros.push_back(example);
      with_zeros.push_back(Example(1, {{3, 5}, {900, 1}}, 0));
    }
    const std::unique_ptr<Learner> plain = NewLearner(spec);
    const std::unique_ptr<Learner> padded = NewLearner(spec);
    const std::vector<float> expected = Learn(*plain, examples);
    const std::vector<float> scores = Learn(*padded, with_zeros);
    for (size_t i = 0; i < examples.size(); ++i) EXPECT_EQ(scores[2 * i], expected[i]);
    EXPECT_NE(scores[201], 0);
    EXPECT_EQ(padded->example_count(), 202u);
    EXPECT_EQ(padded->skipped_count(), 0u);
    EXPECT_EQ(padded->CountUsedSlots(), plain->CountUsedSlots());
  }
}

TEST(LinearLearnerTest, ValuesOfOneAreTheSameGivenOrLeftOut) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const ExampleBatchBuilder builder =
        BatchOf(MakeStream({.loss = spec.loss, .example_count = 300, .unit_values = true}));
    const ExampleBatch left_out = builder.View();
    ASSERT_TRUE(left_out.values.empty());
    const std::vector<float> ones(left_out.feature_ids.size(), 1.0f);
    ExampleBatch given = left_out;
    given.values = ones;

    const std::unique_ptr<Learner> a = NewLearner(spec);
    const std::unique_ptr<Learner> b = NewLearner(spec);
    std::vector<float> a_scores(left_out.size());
    std::vector<float> b_scores(left_out.size());
    a->LearnBatch(left_out, a_scores);
    b->LearnBatch(given, b_scores);
    EXPECT_EQ(a_scores, b_scores);
    EXPECT_EQ(StateOf(*a), StateOf(*b));
    a->PredictBatch(left_out, a_scores);
    b->PredictBatch(given, b_scores);
    EXPECT_EQ(a_scores, b_scores);
  }
}

TEST(LinearLearnerTest, AFeatureThatOccursTwiceCountsTwiceInTheScore) {
  const std::unique_ptr<Learner> learner = NewLearner(SgdSpec());
  Learn(*learner, {{Example(1, {{3, 1}})}});
  EXPECT_FLOAT_EQ(ScoreOf(*learner, Example(0, {{3, 1}, {3, 1}})),
                  2 * ScoreOf(*learner, Example(0, {{3, 1}})));
}

// A feature that occurs in one example as two halves is stepped twice. For rules without squares,
// that is the same as one step of the whole, provided the second half does not age the slot again.
TEST(LinearLearnerTest, AFeatureThatOccursTwiceAgesOnce) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    if (name.starts_with("adagrad") || name.starts_with("rmsprop") || name.starts_with("adam") ||
        name.starts_with("ftrl") || KeepsScales(spec)) {
      continue;
    }
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> once = NewLearner(spec);
    const std::unique_ptr<Learner> twice = NewLearner(spec);
    for (int i = 0; i < 28; ++i) {
      const float label = i % 3 == 0 ? 0.0f : 1.0f;
      Learn(*once, {{Example(label, {{3, 1}})}});
      Learn(*twice, {{Example(label, {{3, 0.5f}, {3, 0.5f}})}});
    }
    EXPECT_NEAR(WeightOf(*once, 3), WeightOf(*twice, 3), 1e-5);
  }
}

TEST(LinearLearnerTest, RmsPropAndAdamAgeOnceToo) {
  // A repeated feature of which one half has the value 0: if the slot ages only once, the weight is
  // that of the single feature.
  for (const OptimizerOptions& optimizer :
       {OptimizerOptions(RmsProp::Options{.rho = 0.5, .epsilon = 1e-3}),
        OptimizerOptions(Adam::Options{.beta1 = 0, .beta2 = 0.5, .epsilon = 1e-3})}) {
    LearnerSpec spec = SgdSpec();
    spec.optimizer = optimizer;
    const std::unique_ptr<Learner> once = NewLearner(spec);
    const std::unique_ptr<Learner> twice = NewLearner(spec);
    const uint32_t one_end = 1;
    const uint32_t two_end = 2;
    const std::vector<uint32_t> ids = {3, 3};
    const std::vector<float> values = {0, 1};  // A builder would leave the 0 out.
    const float label = 1;
    for (int i = 0; i < 10; ++i) {
      float score = 0;
      ExampleBatch one;
      one.row_ends = {&one_end, 1};
      one.labels = {&label, 1};
      one.feature_ids = std::span(ids).first(1);
      one.values = std::span(values).last(1);
      once->LearnBatch(one, {&score, 1});
      ExampleBatch two = one;
      two.row_ends = {&two_end, 1};
      two.feature_ids = ids;
      two.values = values;
      twice->LearnBatch(two, {&score, 1});
    }
    EXPECT_FLOAT_EQ(WeightOf(*once, 3), WeightOf(*twice, 3));
  }
}

TEST(LinearLearnerTest, FeatureIdsUseTheirLowBits) {
  const std::unique_ptr<Learner> learner = NewLearner(SgdSpec());
  Learn(*learner, {{Example(1, {{3 + 1024 * 7, 1}})}});
  EXPECT_NE(WeightOf(*learner, 3), 0);
  EXPECT_EQ(learner->CountUsedSlots(), 1u);
}

TEST(LinearLearnerTest, TheInterceptStartsAndLearnsAtItsOwnRate) {
  LearnerSpec spec = SgdSpec();
  spec.linear.intercept = true;
  spec.linear.initial_intercept = 0.5;
  spec.linear.intercept_learning_rate = 0;
  spec.linear.l2 = 0.1;
  const std::unique_ptr<Learner> frozen = NewLearner(spec);
  Learn(*frozen, MakeStream({}));
  EXPECT_EQ(ScoreOf(*frozen, {}), 0.5f);

  spec.linear.intercept_learning_rate = 0.01;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, {{Example(0, {})}});
  // l2 does not apply to the intercept.
  EXPECT_NEAR(ScoreOf(*learner, {}), 0.5 - 0.01 / (1 + std::exp(-0.5)), 1e-7);
}

TEST(LinearLearnerTest, L2ShrinksFeaturesThatAreThereAndNoOthers) {
  LearnerSpec spec = SgdSpec();
  const std::unique_ptr<Learner> plain = NewLearner(spec);
  spec.linear.l2 = 0.5;
  const std::unique_ptr<Learner> shrunk = NewLearner(spec);
  for (Learner* learner : {plain.get(), shrunk.get()}) {
    Learn(*learner, {{Example(1, {{3, 1}}), Example(1, {{4, 1}}), Example(0, {{4, 1}})}});
  }
  EXPECT_EQ(WeightOf(*plain, 3), WeightOf(*shrunk, 3));
  EXPECT_LT(WeightOf(*shrunk, 4), WeightOf(*plain, 4));
}

TEST(LinearLearnerTest, ClippingBoundsEachComponent) {
  LearnerSpec spec = SgdSpec();
  spec.linear.gradient_clip = 0.1;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, {{Example(1, {{3, 100}, {4, -100}, {5, 0.1f}})}});
  EXPECT_FLOAT_EQ(WeightOf(*learner, 3), 0.25 * 0.1);
  EXPECT_FLOAT_EQ(WeightOf(*learner, 4), -0.25 * 0.1);
  EXPECT_FLOAT_EQ(WeightOf(*learner, 5), 0.25 * 0.05);
}

TEST(LinearLearnerTest, EmptyBatchesAndRowsAreFine) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    learner->LearnBatch({}, {});
    learner->PredictBatch({}, {});
    EXPECT_EQ(learner->example_count(), 0u);
    Learn(*learner, std::vector<StreamExample>(7, Example(1, {})));
    EXPECT_EQ(learner->example_count(), 7u);
    EXPECT_GT(ScoreOf(*learner, {}), -0.4f) << name;  // The intercept has learned.
  }
}

TEST(LinearLearnerTest, RowsLargerThanThePrefetchWindowAreLearned) {
  LearnerSpec spec = SgdSpec();
  spec.linear.bits = 12;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  std::vector<StreamExample> examples(5, Example(1, {}));
  for (StreamExample& example : examples) {
    for (uint32_t id = 0; id < 1500; ++id) example.features.push_back({id, 0.01f});
  }
  Learn(*learner, examples);
  EXPECT_EQ(learner->CountUsedSlots(), 1500u);
  EXPECT_EQ(WeightOf(*learner, 0), WeightOf(*learner, 1499));
}

TEST(LinearLearnerTest, ATableBeyondMemoryIsRefused) {
  // A table larger than the address space. Learners do not check bits; the code that makes a spec
  // does.
  LearnerSpec spec = SgdSpec();
  spec.linear.bits = 50;
  EXPECT_EQ(MakeLearner(spec).status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace freshet
