// From a batch on the wire to columns that a learner can read: all validation of examples is here.

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
  // Of what is parsed from a message; looked at before that, by CheckRequestSize().
  uint64_t max_parsed_bytes = UINT64_MAX;
  // Rows times namespaces of readable examples, which become a matrix of sizes.
  size_t max_segments = size_t{1} << 24;
  // Whether a readable example without a label is a bad row when learning. False for what a log
  // holds: until labels had a presence of their own, an absent one was learned as 0.
  bool label_required = true;
  // Makes features of those of an example, which together must not be more than
  // FeatureColumns::kMaxRowFeatures; null: none are made, or they are counted by
  // DecodedBatch::CountFeatures(). Outlives the decoding.
  const FeatureExpander* expander = nullptr;
};

// What the examples of a batch are for.
enum class BatchUse {
  kLearn,    // Labels and weights are required and checked.
  kPredict,  // Labels and weights are ignored.
};

// The order of features that a batch is decoded to.
enum class BatchOrder {
  kCanonical,  // See core/feature/canonical_batch.h.
  // Namespaces as the message has them, or as its rows come upon them, and values of 0 of packed
  // batches kept: what old records of the log were learned as.
  kAsSent,
};

// Columns that passed validation. Refers to the message that it was decoded from, which must live
// as long; owns what had to be computed.
class DecodedBatch {
 public:
  // So many features are counted or predicted in some hundred microseconds, by the slowest learner.
  static constexpr uint64_t kFewFeatures = 16'384;

  DecodedBatch() = default;
  DecodedBatch(const DecodedBatch&) = delete;
  DecodedBatch& operator=(const DecodedBatch&) = delete;

  const ExampleBatch& examples() const { return examples_; }

  // Checks the batch and makes its columns readable. On failure fills in `error`, which names rows,
  // fields and reasons, and returns false; the batch is then to be thrown away.
  // Every number that passes is finite; labels are as `loss` allows.
  bool Decode(const v1::PackedBatch& packed, BatchUse use, LossKind loss, const BatchLimits& limits,
              v1::BatchError& error, BatchOrder order = BatchOrder::kCanonical);
  bool Decode(const v1::ExampleList& list, BatchUse use, LossKind loss, const BatchLimits& limits,
              v1::BatchError& error, BatchOrder order = BatchOrder::kCanonical);

  // Counts the features of each row with those that `expander` makes of them (null: none), which
  // may be a thousand times as many, and takes as long. Goes on where the last call stopped, and
  // stops once it has counted `enough` or more. kBad: a row has more than
  // FeatureColumns::kMaxRowFeatures; fills in `error`. REQUIRES: Decode() returned true, without an
  // expander; the expander is the same in all calls.
  enum class Counting { kGood, kBad, kUnfinished };
  Counting CountFeatures(const FeatureExpander* expander, uint64_t enough, v1::BatchError& error);

  // As counted. REQUIRES: CountFeatures() returned kGood.
  uint64_t RowFeatures(size_t row) const {
    return made_counts_.empty() ? examples_.RowEnd(row) - examples_.RowBegin(row)
                                : made_counts_[row];
  }
  uint64_t feature_count() const { return counted_features_; }

  // The memory that the owned columns take at most.
  uint64_t column_bytes() const;

 private:
  // Puts examples_ in order. `names` are those of its namespaces.
  template <typename Names>
  void PutInOrder(BatchOrder order, const Names& names);

  ExampleBatch examples_;
  std::vector<uint32_t> row_ends_;
  std::vector<uint32_t> namespace_hashes_;
  ExampleBatchBuilder builder_;  // Holds the columns of readable examples.
  CanonicalBatch canonical_;     // Holds those that had to be put in order.

  // Of CountFeatures(): by row; empty where none are made.
  std::vector<uint32_t> made_counts_;
  FeatureExpander::Plan plan_;
  uint64_t counted_features_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_CODEC_DECODED_BATCH_H_
