#include "tests/support/example_stream.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "core/base/state.h"
#include "core/model/factory.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

// Does without the standard distributions, which differ between libraries; the generator does not.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  double Uniform() { return (engine_() + 0.5) / 4294967296.0; }
  double Normal() {
    return std::sqrt(-2 * std::log(Uniform())) * std::cos(6.283185307 * Uniform());
  }

 private:
  std::mt19937 engine_;
};

}  // namespace

std::vector<StreamExample> MakeStream(const StreamOptions& options) {
  Random random(options.seed);
  std::vector<double> hidden(options.feature_count);
  for (double& weight : hidden) weight = random.Normal();
  std::vector<StreamExample> examples(options.example_count);
  for (StreamExample& example : examples) {
    double score = 0.3;
    for (uint32_t id = 0; id < options.feature_count; ++id) {
      if (random.Uniform() * (1 + id / 2.0) > 1) continue;
      const auto value = static_cast<float>(options.unit_values ? 1 : random.Normal());
      example.features.push_back({id, value});
      score += hidden[id] * value;
    }
    if (IsBinary(options.loss)) {
      example.label = score + random.Normal() > 0 ? 1.0f : -1.0f;
    } else if (options.loss == LossKind::kPoisson) {
      example.label = static_cast<float>(std::floor(std::exp(0.3 * score + random.Uniform())));
    } else {
      example.label = static_cast<float>(score + 0.5 * random.Normal());
    }
    if (options.importance_weights) {
      constexpr float kWeights[] = {0, 0.5f, 1, 1, 1, 3};
      example.weight = kWeights[static_cast<size_t>(random.Uniform() * 6)];
    }
  }
  return examples;
}

ExampleBatchBuilder BatchOf(std::span<const StreamExample> examples) {
  ExampleBatchBuilder builder;
  const size_t index = builder.Namespace("");
  for (const StreamExample& example : examples) {
    builder.BeginRow(example.label, example.weight);
    for (const StreamFeature& feature : example.features) {
      builder.AddFeature(index, feature.id, feature.value);
    }
    builder.EndRow();
  }
  return builder;
}

std::unique_ptr<Learner> NewLearner(const LearnerSpec& spec) {
  absl::StatusOr<std::unique_ptr<Learner>> learner = MakeLearner(spec);
  EXPECT_TRUE(learner.ok()) << learner.status();
  return *std::move(learner);
}

std::vector<float> Learn(Learner& learner, std::span<const StreamExample> examples,
                         size_t batch_size) {
  std::vector<float> scores(examples.size());
  for (size_t begin = 0; begin < examples.size(); begin += batch_size) {
    const size_t size = std::min(batch_size, examples.size() - begin);
    const ExampleBatchBuilder builder = BatchOf(examples.subspan(begin, size));
    learner.LearnBatch(builder.View(), std::span(scores).subspan(begin, size));
  }
  return scores;
}

float ScoreOf(const Learner& learner, const StreamExample& example) {
  const ExampleBatchBuilder builder = BatchOf({&example, 1});
  float score = 0;
  learner.PredictBatch(builder.View(), {&score, 1});
  return score;
}

double WeightOf(const Learner& learner, uint32_t id) {
  return static_cast<double>(ScoreOf(learner, {.features = {{id, 1}}})) - ScoreOf(learner, {});
}

std::vector<std::byte> StateOf(const Learner& learner, StateForm form) {
  StateWriter writer(form);
  learner.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

std::unique_ptr<Learner> Restored(const LearnerSpec& spec, std::span<const std::byte> state) {
  std::unique_ptr<Learner> learner = NewLearner(spec);
  StateReader reader(state);
  const absl::Status status = learner->LoadState(reader);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reader.remaining_bytes(), 0u);
  return learner;
}

}  // namespace freshet
