// Compares learners with plain reference learners on sparse streams, in which features are absent
// for a long time.

#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"
#include "tests/support/reference_learner.h"
#include "tests/support/reference_mixture.h"
#include "tests/support/reference_scaled_learner.h"

namespace freshet {
namespace {

constexpr uint32_t kFeatureCount = 60;

template <typename Reference>
void ExpectSameAs(Reference reference, const LearnerSpec& spec,
                  const std::vector<StreamExample>& examples) {
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const std::vector<float> scores = Learn(*learner, examples);
  for (size_t i = 0; i < examples.size(); ++i) {
    const double expected = reference.Learn(examples[i]);
    ASSERT_NEAR(scores[i], expected, 3e-4 * (1 + std::abs(expected))) << "example " << i;
  }
  // Most features are absent from the last examples, so this also checks that readers catch up.
  for (uint32_t id = 0; id < kFeatureCount; ++id) {
    const double expected = reference.weight(id);
    ASSERT_NEAR(WeightOf(*learner, id), expected, 3e-4 * (1 + std::abs(expected)))
        << "weight " << id;
  }
  ASSERT_NEAR(ScoreOf(*learner, {}), reference.intercept(), 3e-4);
  EXPECT_EQ(learner->skipped_count(), 0u);
}

void ExpectSameAsReference(const LearnerSpec& spec, const std::vector<StreamExample>& examples) {
  if (std::holds_alternative<AutoOptions>(spec.optimizer)) {
    ExpectSameAs(ReferenceMixture(spec, kFeatureCount), spec, examples);
  } else if (std::holds_alternative<NagOptions>(spec.optimizer) ||
             std::holds_alternative<Coin::Options>(spec.optimizer)) {
    ExpectSameAs(ReferenceScaledLearner(spec, kFeatureCount), spec, examples);
  } else {
    ExpectSameAs(ReferenceLearner(spec, kFeatureCount), spec, examples);
  }
}

std::vector<StreamExample> StreamFor(const LearnerSpec& spec, uint32_t seed) {
  return MakeStream({.loss = spec.loss,
                     .seed = seed,
                     .example_count = 1200,
                     .feature_count = kFeatureCount,
                     .unit_values = seed % 2 == 0,
                     .importance_weights = true});
}

TEST(ReferenceTest, EveryOptimizerAndLossWithoutExtras) {
  for (const NamedSpec& named : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(named.name);
    ExpectSameAsReference(named.spec, StreamFor(named.spec, 1));
    ExpectSameAsReference(named.spec, StreamFor(named.spec, 2));
  }
}

TEST(ReferenceTest, EveryOptimizerAndLossWithL2AndClipping) {
  for (const NamedSpec& named : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(named.name);
    LearnerSpec spec = named.spec;
    spec.linear.l2 = 0.05;
    spec.linear.gradient_clip = 0.2;
    ExpectSameAsReference(spec, StreamFor(spec, 3));
    ExpectSameAsReference(spec, StreamFor(spec, 4));
  }
}

TEST(ReferenceTest, EveryOptimizerAndLossWithL1) {
  for (const NamedSpec& named : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(named.name);
    LearnerSpec spec = named.spec;
    const bool is_nag = std::holds_alternative<NagOptions>(spec.optimizer);
    spec.linear.l1 = is_nag ? 1e-3 : 0.05;  // NAG applies l1 to all weights at every step.
    ExpectSameAsReference(spec, StreamFor(spec, 9));
    spec.linear.l2 = is_nag ? 1e-3 : 0.02;
    spec.linear.regularize_intercept = true;
    ExpectSameAsReference(spec, StreamFor(spec, 10));
  }
}

TEST(ReferenceTest, EveryOptimizerAndLossWithoutIntercept) {
  for (const NamedSpec& named : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(named.name);
    LearnerSpec spec = named.spec;
    spec.linear.intercept = false;
    ExpectSameAsReference(spec, StreamFor(spec, 5));
  }
}

// Crosses two features as Vowpal Wabbit does.
StreamFeature Crossed(const StreamFeature& a, const StreamFeature& b) {
  return {(a.id * 16777619U) ^ b.id, a.value * b.value};
}

// Adds a row of the namespaces a and b, with hashed ids, to `batch`. Returns the features that a
// learner with a small table and the interactions a*b, a*a and a*a*b gets for it, or none if two of
// them share a slot.
std::vector<StreamFeature> AppendCrossedRow(std::mt19937& random, float label, float weight,
                                            ExampleBatchBuilder& batch) {
  std::vector<StreamFeature> a(1 + random() % 3);
  std::vector<StreamFeature> b(1 + random() % 2);
  const auto hashed = [&](uint32_t count) {
    return static_cast<uint32_t>(random() % count) * 2654435761U;
  };
  for (StreamFeature& feature : a) feature = {hashed(30), 1};
  for (StreamFeature& feature : b) {
    feature = {~hashed(20), 0.25f * static_cast<float>(1 + random() % 8)};
  }
  std::vector<StreamFeature> seen = a;
  seen.insert(seen.end(), b.begin(), b.end());
  for (size_t i = 0; i < a.size(); ++i) {
    for (const StreamFeature& other : b) seen.push_back(Crossed(a[i], other));
    for (size_t j = i; j < a.size(); ++j) {
      seen.push_back(Crossed(a[i], a[j]));
      for (const StreamFeature& other : b) seen.push_back(Crossed(Crossed(a[i], a[j]), other));
    }
  }
  std::set<uint32_t> slots;
  for (StreamFeature& feature : seen) {
    feature.id %= 1024;
    if (!slots.insert(feature.id).second) return {};
  }
  batch.BeginRow(label, weight);
  for (const StreamFeature& feature : a) {
    batch.AddFeature(batch.Namespace("a"), feature.id, feature.value);
  }
  for (const StreamFeature& feature : b) {
    batch.AddFeature(batch.Namespace("b"), feature.id, feature.value);
  }
  batch.EndRow();
  return seen;
}

template <typename Reference>
void ExpectSameOnCrossedRows(const LearnerSpec& spec) {
  Reference reference(spec, 1024);
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  std::mt19937 random(13);
  for (int row = 0; row < 600; ++row) {
    const bool heavy = random() % 3 == 0;
    StreamExample example{
        .label = random() % 2 == 0 ? 1.0f : 0.0f, .weight = heavy ? 2.5f : 1.0f, .features = {}};
    ExampleBatchBuilder batch;
    example.features = AppendCrossedRow(random, example.label, example.weight, batch);
    if (example.features.empty()) continue;
    float score = 0;
    learner->LearnBatch(batch.View(), {&score, 1});
    const double expected = reference.Learn(example);
    ASSERT_NEAR(score, expected, 3e-4 * (1 + std::abs(expected))) << "row " << row;
  }
  // There are several times as many pairs and triples as slots.
  EXPECT_GT(learner->CountUsedSlots(), 400u);
}

TEST(ReferenceTest, EveryOptimizerAndLossWithInteractionsInASmallTable) {
  for (const NamedSpec& named : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(named.name);
    LearnerSpec spec = named.spec;
    spec.features.interactions = {{{"a", "b"}}, {{"a", "a"}}, {{"a", "a", "b"}}};
    if (std::holds_alternative<AutoOptions>(spec.optimizer)) {
      ExpectSameOnCrossedRows<ReferenceMixture>(spec);
    } else if (std::holds_alternative<NagOptions>(spec.optimizer) ||
               std::holds_alternative<Coin::Options>(spec.optimizer)) {
      ExpectSameOnCrossedRows<ReferenceScaledLearner>(spec);
    } else {
      ExpectSameOnCrossedRows<ReferenceLearner>(spec);
    }
  }
}

TEST(ReferenceTest, EveryOptimizerAndSchedule) {
  for (const NamedSpec& named : EveryOptimizerAndSchedule()) {
    SCOPED_TRACE(named.name);
    ExpectSameAsReference(named.spec, StreamFor(named.spec, 7));
  }
}

TEST(ReferenceTest, StrongMomentumOverLongAbsence) {
  for (const OptimizerOptions& optimizer :
       {OptimizerOptions(Momentum::Options{.momentum = 0.999}),
        OptimizerOptions(Nesterov::Options{.momentum = 0.999})}) {
    LearnerSpec spec;
    spec.optimizer = optimizer;
    spec.linear.bits = 10;
    spec.linear.learning_rate = spec.linear.intercept_learning_rate = 1e-4;
    ExpectSameAsReference(spec, StreamFor(spec, 8));
  }
}

}  // namespace
}  // namespace freshet
