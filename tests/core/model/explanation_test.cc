// Tests explanations of scores: contributions add up, for every learner and loss.

#include <cmath>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "core/model/learner.h"
#include "core/model/top_weights.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/fixed_learner.h"
#include "tests/support/learner_specs.h"
#include "tests/support/plain_explanation.h"

namespace freshet {
namespace {

std::vector<StreamExample> StreamFor(const LearnerSpec& spec, bool unit_values = false) {
  return MakeStream({.loss = spec.loss,
                     .seed = 5,
                     .example_count = 400,
                     .feature_count = 30,
                     .unit_values = unit_values});
}

double SumOfContributions(const Explanation& explanation) {
  double sum = 0;
  for (const Contribution& feature : explanation.contributions) sum += feature.contribution;
  return sum;
}

// How far apart two float sums of terms of this size may be, because of rounding.
double Tolerance(const Explanation& explanation) {
  double size = std::abs(explanation.intercept) + std::abs(explanation.score) + 1;
  for (const Contribution& feature : explanation.contributions) {
    size += std::abs(feature.contribution);
  }
  return 1e-6 * size;
}

// Whether the score is just a sum over features. Coin betting divides it by a norm that depends on
// the example, so features are not independent; NAG clips it to the range of the labels seen.
bool IsPlainSum(const LearnerSpec& spec) {
  if (std::holds_alternative<Coin::Options>(spec.optimizer)) return false;
  return !std::holds_alternative<NagOptions>(spec.optimizer) || spec.loss == LossKind::kLogistic;
}

void ExpectToAddUp(const Explanation& explanation) {
  EXPECT_NEAR(SumOfContributions(explanation), explanation.score - explanation.intercept,
              Tolerance(explanation));
}

TEST(ExplanationTest, AddsUpToTheScoreThatIsPredicted) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    for (const bool unit_values : {false, true}) {
      SCOPED_TRACE(name);
      const std::vector<StreamExample> examples = StreamFor(spec, unit_values);
      const std::unique_ptr<Learner> learner = NewLearner(spec);
      Learn(*learner, examples);
      const ExampleBatchBuilder builder = BatchOf(examples);
      const ExampleBatch batch = builder.View();
      std::vector<float> scores(batch.size());
      learner->PredictBatch(batch, scores);
      for (size_t row = 0; row < batch.size(); row += 7) {
        const Explanation explanation = learner->Explain(batch, row);
        EXPECT_EQ(explanation.score, scores[row]);
        ExpectToAddUp(explanation);
        ASSERT_EQ(explanation.contributions.size(), examples[row].features.size());
        for (size_t i = 0; i < explanation.contributions.size(); ++i) {
          const Contribution& feature = explanation.contributions[i];
          EXPECT_EQ(feature.feature_id, examples[row].features[i].id);
          EXPECT_EQ(feature.value, examples[row].features[i].value);
          if (std::holds_alternative<AutoOptions>(spec.optimizer)) continue;  // Not linear.
          EXPECT_EQ(feature.contribution, 1.0 * feature.weight.weight * feature.value);
        }
      }
    }
  }
}

TEST(ExplanationTest, OfAnyLearnerComesFromItsPredictionsToo) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::vector<StreamExample> examples = StreamFor(spec);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, examples);
    const ExampleBatchBuilder builder = BatchOf(examples);
    const ExampleBatch batch = builder.View();
    for (size_t row = 0; row < batch.size(); row += 41) {
      const Explanation quick = learner->Explain(batch, row);
      const Explanation slow = ExplainPlainly(*learner, batch, row);
      EXPECT_EQ(slow.score, quick.score);
      ExpectToAddUp(slow);
      ASSERT_EQ(slow.contributions.size(), quick.contributions.size());
      if (!IsPlainSum(spec)) continue;
      for (size_t i = 0; i < slow.contributions.size(); ++i) {
        EXPECT_NEAR(slow.contributions[i].contribution, quick.contributions[i].contribution,
                    Tolerance(quick));
      }
    }
  }
}

TEST(ExplanationTest, GivesClippedScoresADifferenceThatBelongsToNoFeature) {
  LearnerSpec spec;
  spec.loss = LossKind::kSquared;
  spec.optimizer = NagOptions{};
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, std::vector<StreamExample>(20, {.label = 1, .weight = 1, .features = {{3, 1}}}));
  const StreamExample far_out{.label = 0, .weight = 1, .features = {{3, 100}}};
  const ExampleBatchBuilder builder = BatchOf({&far_out, 1});
  const Explanation explanation = learner->Explain(builder.View(), 0);
  EXPECT_EQ(explanation.score, 1);  // Clipped to the largest label.
  EXPECT_GT(explanation.contributions[0].contribution, 10);
  ExpectToAddUp(explanation);
}

TEST(ExplanationTest, OfAnExampleWithoutFeaturesIsTheIntercept) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, StreamFor(spec));
    const StreamExample nothing;
    const ExampleBatchBuilder builder = BatchOf({&nothing, 1});
    const Explanation explanation = learner->Explain(builder.View(), 0);
    EXPECT_TRUE(explanation.contributions.empty());
    EXPECT_EQ(explanation.score, InterceptOf(*learner));
    EXPECT_NEAR(explanation.intercept, explanation.score, Tolerance(explanation));
  }
}

TEST(ExplanationTest, ReadsTheWeightsThatPredictionsAreMadeOf) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    if (!IsPlainSum(spec)) continue;
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, StreamFor(spec));
    std::vector<TableWeight> quick(64);
    std::vector<TableWeight> slow(64);
    learner->ReadWeights(0, quick);
    ReadPlainWeights(*learner, 0, slow);
    for (size_t i = 0; i < quick.size(); ++i) {
      EXPECT_NEAR(quick[i].weight, slow[i].weight, 1e-5 * (1 + std::abs(quick[i].weight)));
    }
  }
}

TEST(ExplanationTest, HasMoreEvidenceOfFeaturesSeenMoreOften) {
  LearnerSpec spec;  // AdaGrad
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, StreamFor(spec));
  std::vector<TableWeight> weights(30);
  learner->ReadWeights(0, weights);
  EXPECT_GT(weights[0].evidence, 2 * weights[29].evidence);  // Feature 0 is in every example.
  EXPECT_GT(weights[29].evidence, 0);
}

TEST(ExplanationTest, SharesWhatFeaturesDoTogether) {
  // A learner whose score is the product of the features' values.
  class Product : public FixedLearner {
   public:
    Product() : FixedLearner(std::vector<float>(1024)) {}
    void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const override {
      for (size_t row = 0; row < batch.size(); ++row) {
        scores[row] = 1;
        for (uint32_t i = batch.RowBegin(row); i < batch.RowEnd(row); ++i) {
          scores[row] *= batch.values.empty() ? 1 : batch.values[i];
        }
      }
    }
  };
  const StreamExample example{.label = 0, .weight = 1, .features = {{1, 3}, {2, 5}}};
  const ExampleBatchBuilder builder = BatchOf({&example, 1});
  const Explanation explanation = Product().Explain(builder.View(), 0);
  EXPECT_EQ(explanation.score, 15);
  EXPECT_EQ(explanation.intercept, 1);
  ASSERT_EQ(explanation.contributions.size(), 2U);
  EXPECT_EQ(explanation.contributions[0].contribution, (2 + 10) / 2.0);  // Alone, and after 5.
  EXPECT_EQ(explanation.contributions[1].contribution, (4 + 12) / 2.0);
}

TEST(ExplanationTest, KeepsFeaturesInTheirNamespaces) {
  // Checks the shape of the batches that it has to predict.
  class Shapes : public FixedLearner {
   public:
    Shapes() : FixedLearner(RandomWeights(5)) {}
    void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const override {
      uint32_t features = 0;
      ASSERT_EQ(batch.segment_sizes.size(), batch.size() * batch.namespace_hashes.size());
      for (const uint32_t size : batch.segment_sizes) features += size;
      EXPECT_EQ(features, batch.feature_ids.size());
      FixedLearner::PredictBatch(batch, scores);
    }
  };
  ExampleBatchBuilder builder;
  for (uint32_t row = 0; row < 3; ++row) {
    builder.BeginRow(0, 1);
    for (uint32_t i = 0; i < 3 + row; ++i) builder.AddFeature(builder.Namespace("a"), i, 1);
    for (uint32_t i = 0; i < 2; ++i) builder.AddFeature(builder.Namespace("b"), 100 + i, 1);
    builder.EndRow();
  }
  const ExampleBatch batch = builder.View();
  const Shapes learner;
  std::vector<float> scores(3);
  learner.PredictBatch(batch, scores);
  for (size_t row = 0; row < 3; ++row) {
    const Explanation explanation = learner.Explain(batch, row);
    EXPECT_EQ(explanation.score, scores[row]);
    double sum = explanation.intercept;
    for (const Contribution& feature : explanation.contributions) {
      EXPECT_EQ(feature.contribution, feature.weight.weight);
      sum += feature.contribution;
    }
    EXPECT_EQ(sum, scores[row]);
  }
}

}  // namespace
}  // namespace freshet
