// Turns a batch on the wire into columns that a learner can read. All validation of examples is
// here.

#ifndef FRESHET_SERVER_CODEC_DECODED_BATCH_H_
#define FRESHET_SERVER_CODEC_DECODED_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/feature/canonical_batch.h"
#include "core/feature/example_batch.h"
#include "core/feature/feature_expander.h"
#include "core/loss/loss_kind.h"
#include "freshet/v1/example.pb.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// What a batch may hold. See v1.LimitsConfig.
struct BatchLimits {
  uint32_t max_examples = 65'536;
  uint32_t max_example_features = 65'536;
  // The memory for what is parsed from a message. CheckRequestSize() checks this before parsing.
  uint64_t max_parsed_bytes = UINT64_MAX;
  // The number of rows times that of namespaces of readable examples, which become a matrix of
  // sizes.
  size_t max_segments = size_t{1} << 24;
  // Whether a readable example without a label is a bad row when learning. False for batches from a
  // log: older versions could not tell an absent label from 0, and learned it as 0.
  bool label_required = true;
  // Makes further features from those of an example; a row must not have more than
  // FeatureColumns::kMaxRowFeatures with these. Null if none are made, or if
  // DecodedBatch::CountFeatures() counts them. Must outlive the decoding.
  const FeatureExpander* expander = nullptr;
};

// What the examples of a batch are for.
enum class BatchUse {
  kLearn,    // Labels and weights are required and checked.
  kPredict,  // Labels and weights are ignored.
  kEvents,   // Labels come later and are ignored; weights are checked.
};

// The order of features that a batch is decoded to.
enum class BatchOrder {
  kCanonical,  // See core/feature/canonical_batch.h.
  // For old records of the log, which were learned in this order: namespaces in the order of the
  // packed message, or in which readable rows first use them; values of 0 in packed batches are
  // kept.
  kAsSent,
};

// Columns that passed validation. Refers to the message from which it was decoded, which must live
// as long as this; owns what had to be computed. Not thread-safe.
class DecodedBatch {
 public:
  // Even the slowest learner predicts this many features, or counts them, in a few hundred
  // microseconds.
  static constexpr uint64_t kFewFeatures = 16'384;

  DecodedBatch() = default;
  DecodedBatch(const DecodedBatch&) = delete;
  DecodedBatch& operator=(const DecodedBatch&) = delete;

  const ExampleBatch& examples() const { return examples_; }

  // Checks the batch and makes its columns. On failure fills in `error`, which names rows, fields
  // and reasons, and returns false; this object must not be used then. Every number that passes is
  // finite, and every label one that `loss` allows.
  bool Decode(const v1::PackedBatch& packed, BatchUse use, LossKind loss, const BatchLimits& limits,
              v1::BatchError& error, BatchOrder order = BatchOrder::kCanonical);
  bool Decode(const v1::ExampleList& list, BatchUse use, LossKind loss, const BatchLimits& limits,
              v1::BatchError& error, BatchOrder order = BatchOrder::kCanonical);

  // Counts the features of each row, including those that `expander` makes from them (null: none),
  // which may be a thousand times as many and take accordingly long to count. Continues where the
  // last call stopped, and stops with kUnfinished once it has counted `enough` or more. kBad, with
  // `error` filled in, if a row has more than FeatureColumns::kMaxRowFeatures. REQUIRES: Decode()
  // returned true, without an expander; the expander is the same in all calls.
  enum class Counting { kGood, kBad, kUnfinished };
  Counting CountFeatures(const FeatureExpander* expander, uint64_t enough, v1::BatchError& error);

  // The number of features of a row that was counted. REQUIRES: CountFeatures() returned kGood.
  uint64_t RowFeatures(size_t row) const {
    return made_counts_.empty() ? examples_.RowEnd(row) - examples_.RowBegin(row)
                                : made_counts_[row];
  }
  uint64_t feature_count() const { return counted_features_; }

  // An upper bound of the memory that the owned columns take.
  uint64_t column_bytes() const;

 private:
  // Puts examples_ in the order `order`, or in that sent for a loss of Vowpal Wabbit. `names` are
  // the names of its namespaces.
  template <typename Names>
  void PutInOrder(LossKind loss, BatchOrder order, const Names& names);

  ExampleBatch examples_;
  std::vector<uint32_t> row_ends_;
  std::vector<uint32_t> namespace_hashes_;
  std::vector<unsigned char> namespace_letters_;
  ExampleBatchBuilder builder_;  // Holds the columns of readable examples.
  CanonicalBatch canonical_;     // Holds the columns that had to be put in order.

  // For CountFeatures(). The counts are by row; there are none if no features are made.
  std::vector<uint32_t> made_counts_;
  FeatureExpander::Plan plan_;
  uint64_t counted_features_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_CODEC_DECODED_BATCH_H_
