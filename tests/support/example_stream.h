// Small synthetic streams, and shortcuts for running them through a learner.

#ifndef FRESHET_TESTS_SUPPORT_EXAMPLE_STREAM_H_
#define FRESHET_TESTS_SUPPORT_EXAMPLE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/feature/example_batch.h"
#include "core/loss/loss_kind.h"
#include "core/model/learner.h"
#include "core/model/spec.h"

namespace freshet {

struct StreamFeature {
  uint32_t id;
  float value;
};

struct StreamExample {
  float label = 0;
  float weight = 1;
  std::vector<StreamFeature> features;
};

struct StreamOptions {
  LossKind loss = LossKind::kLogistic;
  uint32_t seed = 1;
  size_t example_count = 1000;
  // Features are 0, 1, ...; feature i occurs in an example with probability 1 / (1 + i / 2), so
  // that the last ones are absent for long stretches. No feature occurs twice in an example.
  uint32_t feature_count = 40;
  bool unit_values = false;         // All values are 1; otherwise they are normal.
  bool importance_weights = false;  // Drawn from 0, 0.5, 1 and 3; otherwise all are 1.
};

// The same examples on every machine, labelled by a hidden linear model with noise.
std::vector<StreamExample> MakeStream(const StreamOptions& options);

// The examples as a batch, which the builder owns. Leaves out the values if all are 1.
ExampleBatchBuilder BatchOf(std::span<const StreamExample> examples);

// MakeLearner(); fails the test if that fails.
std::unique_ptr<Learner> NewLearner(const LearnerSpec& spec);

// Learns the examples in batches of `batch_size`; returns the scores before each update.
std::vector<float> Learn(Learner& learner, std::span<const StreamExample> examples,
                         size_t batch_size = 64);

// The score of one example.
float ScoreOf(const Learner& learner, const StreamExample& example);

// The current weight of a feature, without the intercept.
double WeightOf(const Learner& learner, uint32_t id);

// What Learner::SaveState() writes, in one piece.
std::vector<std::byte> StateOf(const Learner& learner, StateForm form = StateForm::kCompact);

// A learner of this spec with this state; fails the test if the state does not load.
std::unique_ptr<Learner> Restored(const LearnerSpec& spec, std::span<const std::byte> state);

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_EXAMPLE_STREAM_H_
