// Rules that step four features of an example at a time give bit-identical results to stepping them
// one by one.

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "core/loss/logistic.h"
#include "core/model/example_row.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"

namespace freshet {
namespace {

constexpr int kBits = 10;
constexpr float kRate = 0.3f;
constexpr float kL1 = 0.05f;
constexpr float kL2 = 0.01f;
constexpr float kClip = 0.3f;

// Examples of 0 to 40 features. There are so few slots that most examples have some feature more
// than once, and different ids that share a slot.
std::vector<StreamExample> CrowdedStream(bool unit_values) {
  std::mt19937 random(5);
  std::vector<StreamExample> examples(400);
  for (StreamExample& example : examples) {
    example.label = random() % 3 == 0 ? 1.0f : 0.0f;
    example.features.resize(random() % 41);
    for (StreamFeature& feature : example.features) {
      feature.id = random() % 50 + (random() % 2 << kBits);
      feature.value = unit_values ? 1.0f : static_cast<float>(random() % 2000) / 1000 - 1;
      if (feature.value == 0) feature.value = 1;
    }
  }
  return examples;
}

template <typename Rule>
void ExpectSameOneByOne(const typename Rule::Options& options) {
  LearnerSpec spec;
  spec.optimizer = options;
  spec.linear.bits = kBits;
  spec.linear.learning_rate = kRate;
  spec.linear.l1 = kL1;
  spec.linear.l2 = kL2;
  spec.linear.gradient_clip = kClip;
  spec.linear.intercept = false;
  const Rule rule(options);
  for (const bool unit_values : {false, true}) {
    const std::vector<StreamExample> examples = CrowdedStream(unit_values);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    const std::vector<float> scores = Learn(*learner, examples);

    std::vector<typename Rule::Slot> slots(1 << kBits);
    const auto slot_of = [&](const StreamFeature& feature) ->
        typename Rule::Slot& { return slots[feature.id % slots.size()]; };
    StepContext step;
    step.base_rate = step.rate = kRate;
    step.l1 = kL1;
    step.l2 = kL2;
    step.clip = kClip;
    for (size_t i = 0; i < examples.size(); ++i) {
      const std::vector<StreamFeature>& features = examples[i].features;
      const float score = SumOf(features.size(), 0.0f, [&](size_t k) {
        return rule.Weight(slot_of(features[k]), step) * features[k].value;
      });
      ASSERT_EQ(scores[i], score) << "example " << i;
      const float gradient = LogisticLoss::Gradient(score, examples[i].label);
      for (const StreamFeature& feature : features) {
        rule.Step(step, gradient * feature.value, slot_of(feature));
      }
    }
    for (uint32_t id = 0; id < 50; ++id) {
      ASSERT_EQ(ScoreOf(*learner, {.features = {{id, 1}}}), rule.Weight(slots[id], step)) << id;
    }
  }
}

TEST(ColumnTest, SgdIsTheSameOneByOne) { ExpectSameOneByOne<Sgd>({}); }

TEST(ColumnTest, AdaGradIsTheSameOneByOne) { ExpectSameOneByOne<AdaGrad>({.epsilon = 0.5}); }

TEST(ColumnTest, FtrlIsTheSameOneByOne) { ExpectSameOneByOne<Ftrl>({.beta = 0.7}); }

TEST(ColumnTest, NormalisedAdaptiveUpdatesAreTheSameOneByOne) {
  using Rule = Nag<true, true>;
  LearnerSpec spec;
  spec.optimizer = NagOptions();
  spec.linear.bits = kBits;
  spec.linear.learning_rate = kRate;
  spec.linear.intercept = false;
  const Rule rule{NagOptions()};
  for (const bool unit_values : {false, true}) {
    const std::vector<StreamExample> examples = CrowdedStream(unit_values);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    const std::vector<float> scores = Learn(*learner, examples);

    std::vector<Rule::Slot> slots(1 << kBits);
    double norm_sum = 0;
    double weight_sum = 0;
    for (size_t i = 0; i < examples.size(); ++i) {
      const std::vector<StreamFeature>& features = examples[i].features;
      const size_t size = features.size();
      const auto slot_of = [&](size_t k) -> Rule::Slot& {
        return slots[features[k].id % slots.size()];
      };
      const float score =
          SumOf(size, 0.0f, [&](size_t k) { return slot_of(k).weight * features[k].value; });
      ASSERT_EQ(scores[i], score) << "example " << i;
      const float gradient = LogisticLoss::Gradient(score, examples[i].label);
      std::vector<float> moves(size), norms(size);
      for (size_t k = 0; k < size; ++k) {
        const float x = features[k].value;
        rule.Observe(x, gradient * gradient, slot_of(k));
        const auto part = rule.PartOf(x, slot_of(k));
        moves[k] = x * part.rate;
        norms[k] = part.norm;
      }
      norm_sum += SumOf(size, 0.0f, [&](size_t k) { return norms[k]; });
      weight_sum += 1;
      const double correction = rule.Correction(weight_sum / norm_sum);
      const double gain = SumOf(size, 0.0f, [&](size_t k) { return features[k].value * moves[k]; });
      const auto scale = static_cast<float>(
          correction * LogisticLoss::ImportanceStep(score, examples[i].label,
                                                    spec.linear.learning_rate, correction * gain));
      for (size_t k = 0; k < size; ++k) slot_of(k).weight += scale * moves[k];
    }
    for (uint32_t id = 0; id < 50; ++id) {
      ASSERT_EQ(ScoreOf(*learner, {.features = {{id, 1}}}), slots[id].weight) << id;
    }
  }
}

}  // namespace
}  // namespace freshet
