// What learns: weights, and the rule that changes them.

#ifndef FRESHET_CORE_MODEL_LEARNER_H_
#define FRESHET_CORE_MODEL_LEARNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"

namespace freshet {

// A weight of the table, as people look at it.
struct TableWeight {
  float weight = 0;    // What a feature of value 1 adds to the score.
  float evidence = 0;  // See EvidenceOf() in core/optimizer/optimizer.h.
};

// What one feature adds to the score of an example.
struct Contribution {
  uint32_t feature_id = 0;
  float value = 0;
  TableWeight weight;
  double contribution = 0;
};

// Why an example has its score: the contributions add up to the score less the intercept.
struct Explanation {
  float score = 0;       // As PredictBatch() gives it.
  double intercept = 0;  // What belongs to no feature, also what clipping the score took away.
  std::vector<Contribution> contributions;  // One a feature that the learner sees, in its order.
};

// A part of a learner that is a mixture; see v1.MixturePart.
struct MixturePart {
  std::string_view name;
  double weight;
  double decayed_loss;
};

// A model that learns from a stream of examples.
//
// Threads: one writer at a time may call the non-const methods and SaveState(), while any number of
// readers call the other const methods. Owns its weights; keeps no reference to a batch after
// returning.
//
// The state is a pure function of the examples in order: it does not depend on how they were cut
// into batches, on readers, or on the processor's vector width.
class Learner {
 public:
  virtual ~Learner() = default;

  // Predicts each example, then updates on it, in order. scores[i] is the value before update i and
  // before the link function: the logit for logistic loss. Scores are always finite: an example
  // whose score or update would not be is skipped, counted, and given the score 0 where it has
  // none. REQUIRES: scores.size() == batch.size() == batch.labels.size(); labels as the loss
  // allows.
  virtual void LearnBatch(const ExampleBatch& batch, std::span<float> scores) = 0;

  // Predicts each example with the weights as they are. Scores as for LearnBatch().
  // REQUIRES: scores.size() == batch.size().
  virtual void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const = 0;

  // The prediction that belongs to a score: a probability for logistic loss, else the score.
  virtual float Prediction(float score) const = 0;

  // Examples passed to LearnBatch() so far, skipped ones included.
  virtual uint64_t example_count() const = 0;

  // Examples that were skipped.
  virtual uint64_t skipped_count() const = 0;

  // Examples that were learned without some of the features that are made of them, since these were
  // more than there is room for; see FeatureExpander.
  virtual uint64_t cut_count() const { return 0; }

  // Appends the whole state, in a form that is versioned and canonical.
  virtual void SaveState(StateWriter& writer) const = 0;

  // Puts a learner of the same spec into a saved state. DATA_LOSS where the bytes do not fit the
  // spec or hold a non-finite number; the learner is then to be thrown away.
  // REQUIRES: the learner is new and has no readers yet.
  virtual absl::Status LoadState(StateReader& reader) = 0;

  // Slots of the weight table that hold anything but zero. Reads the whole table.
  virtual uint64_t CountUsedSlots() const = 0;

  // Slots that hold anything and whose weight is exactly 0, as l1 makes them; an estimate where the
  // table is large. 0 for learners without l1.
  virtual uint64_t CountZeroWeights() const { return 0; }

  // About CountUsedSlots(); of a large table from a sample, so that it takes some milliseconds.
  virtual uint64_t EstimateUsedSlots() const = 0;

  // Puts slots of the weight table back to zero, as if their features had never been seen. A slot
  // that waits for the end of a mini-batch stays as it is. REQUIRES: the table has the slots.
  virtual void ForgetSlots(std::span<const uint32_t> indices) = 0;

  // How the parts of a mixture share the prediction; empty for other learners.
  virtual std::vector<MixturePart> Mixture() const { return {}; }

  // What the weight table may grow to, in bytes.
  virtual uint64_t table_bytes() const = 0;

  // Slots of the weight table. The slot of a feature is its id modulo this number.
  virtual uint64_t slot_count() const = 0;

  // Reads the slots [first_slot, first_slot + weights.size()), which must be in the table.
  virtual void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const = 0;

  // Explains the score of one row, with the weights as they are. A learner that makes other
  // features of those that it is given explains the score by these. Takes time in proportion to
  // their number.
  virtual Explanation Explain(const ExampleBatch& batch, size_t row) const = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LEARNER_H_
