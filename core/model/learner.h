// The interface of all learners: weights, and the rule that updates them.

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

// A weight of the table, as shown to users.
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
  float score = 0;       // As PredictBatch() returns it.
  double intercept = 0;  // What belongs to no feature, including what clipping did to the score.
  std::vector<Contribution> contributions;  // One per feature that the learner sees, in its order.
};

// One part of a learner that is a mixture; see v1.MixturePart.
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
// The state is a pure function of the sequence of examples: it does not depend on how they were
// divided into batches, on readers, or on the processor's vector width.
class Learner {
 public:
  virtual ~Learner() = default;

  // Predicts each example, then updates on it, in order. scores[i] is the score before update i and
  // before the link function: the logit for logistic loss. Scores are always finite: an example
  // whose score or update would not be finite is skipped and counted, and its score is 0 if it was
  // the score that is not finite. REQUIRES: scores.size() == batch.size() == batch.labels.size(),
  // and labels are as the loss allows.
  virtual void LearnBatch(const ExampleBatch& batch, std::span<float> scores) = 0;

  // Whether CorrectBatch() corrects; see also SupportsCorrections() in factory.h. False for
  // learners whose steps are normalised or importance-aware, and for mixtures: there, no step
  // undoes what an example did. False for Adam and RMSProp; see CorrectableOptimizer.
  virtual bool supports_corrections() const { return false; }

  // Corrects the labels of examples that were learned before. `batch` has the new labels. For each
  // row, in order: scores[i] becomes the score before the correction, as for LearnBatch(), and then
  // the learner steps along
  //
  //   weight * (g(s, new label) - g(s, old label)),    g: dloss / dscore, at the current score s
  //
  // in place of weight * g(s, label). So the steps of learning and correcting add up to the step of
  // the new label, up to how far s moved meanwhile. For logistic loss, g(s, 1) - g(s, 0) is -1
  // whatever s is, so nothing need be known of the score when the example was learned.
  //
  // A correction is not an example: it does not count in example_count(), does not advance the
  // learning rate's schedule or the number of steps, and does not regularise again. A correction
  // that would not be finite is skipped and counted in skipped_count(). A row of weight 0, and one
  // whose labels have the same gradient, changes nothing.
  //
  // Learners that do not support corrections only predict. REQUIRES: as for LearnBatch();
  // old_labels.size() == batch.size(); the row was learned with its old label and the same weight.
  virtual void CorrectBatch(const ExampleBatch& batch, std::span<const float> /*old_labels*/,
                            std::span<float> scores) {
    PredictBatch(batch, scores);
  }

  // Predicts each example with the current weights. Scores are as for LearnBatch().
  // REQUIRES: scores.size() == batch.size().
  virtual void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const = 0;

  // The prediction for a score, by the link function of the loss: a probability for logistic loss,
  // an expected count for Poisson loss, else the score itself.
  virtual float Prediction(float score) const = 0;

  // Examples passed to LearnBatch() so far, skipped ones included.
  virtual uint64_t example_count() const = 0;

  // Examples that LearnBatch() has skipped, and corrections that CorrectBatch() has skipped.
  virtual uint64_t skipped_count() const = 0;

  // Examples that were learned without some of their expanded features, because there were more
  // than the limits allow; see FeatureExpander.
  virtual uint64_t cut_count() const { return 0; }

  // Appends the whole state, in a versioned and canonical form.
  virtual void SaveState(StateWriter& writer) const = 0;

  // Loads the state that a learner of the same spec has saved. DATA_LOSS if the saved state does
  // not fit the spec or holds a number that is not finite; the learner must then be discarded.
  // REQUIRES: the learner is new and has no readers yet.
  virtual absl::Status LoadState(StateReader& reader) = 0;

  // Slots of the weight table that hold anything but zero. Reads the whole table.
  virtual uint64_t CountUsedSlots() const = 0;

  // Slots that are in use but whose weight is exactly 0, as l1 makes them; an estimate if the table
  // is large. 0 for learners without l1.
  virtual uint64_t CountZeroWeights() const { return 0; }

  // Approximately CountUsedSlots(). Samples a large table, so that it takes only milliseconds.
  virtual uint64_t EstimateUsedSlots() const = 0;

  // Resets slots of the weight table to zero, as if their features had never been seen. A slot that
  // is waiting for the end of a mini-batch stays as it is. REQUIRES: the indices are in the table.
  virtual void ForgetSlots(std::span<const uint32_t> indices) = 0;

  // How the parts of a mixture share the prediction; empty for other learners.
  virtual std::vector<MixturePart> Mixture() const { return {}; }

  // The size to which the weight table may grow, in bytes.
  virtual uint64_t table_bytes() const = 0;

  // Slots of the weight table. The slot of a feature is its id modulo this number.
  virtual uint64_t slot_count() const = 0;

  // Reads the weights of the slots [first_slot, first_slot + weights.size()). REQUIRES: the slots
  // are in the table.
  virtual void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const = 0;

  // Explains the score of one row with the current weights. A learner that expands features
  // explains the score by the expanded ones. Takes time proportional to their number.
  virtual Explanation Explain(const ExampleBatch& batch, size_t row) const = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LEARNER_H_
