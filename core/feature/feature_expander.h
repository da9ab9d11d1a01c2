#ifndef FRESHET_CORE_FEATURE_FEATURE_EXPANDER_H_
#define FRESHET_CORE_FEATURE_FEATURE_EXPANDER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_options.h"
#include "core/feature/interactions.h"
#include "core/feature/namespace_states.h"
#include "core/feature/quantile_bins.h"
#include "core/feature/standardizer.h"

namespace freshet {

// Makes of an example's features those that are learned: numeric transforms first, then n-grams,
// then interactions.
//
// Namespaces come in the order of the batch, but those with standardised numbers before all others,
// since these are in every example; interactions come last. What is learned here follows the
// examples in order, and not how they are cut into batches.
//
// Memory is bounded: up to 64 namespaces have standardised numbers, and 64 have quantile bins; in
// others a number is left out, or falls into one bin with all numbers. See Standardizer and
// QuantileBins for the bounds of a namespace, FeatureColumns for that of an example. An example of
// which something is left out is cut.
//
// Threads: one writer calls Observe() and SaveState() while any number of readers call AppendRow(),
// each with columns and a plan of its own.
class FeatureExpander {
 public:
  // What is to be done with the namespaces of a batch, and scratch. Reusable for other batches.
  class Plan {
    friend class FeatureExpander;

    static constexpr size_t kNotInBatch = static_cast<size_t>(-1);

    struct Entry {
      uint32_t namespace_hash;
      size_t batch_index;             // kNotInBatch for one whose numbers are all 0.
      const NumericOptions* numeric;  // Null: as they came.
      const NgramOptions* ngrams;     // Null: none.
      Standardizer* standardizer;     // Null: none yet.
      QuantileBins* quantile_bins;    // Null: none yet.
    };

    std::vector<Entry> entries_;
    std::vector<size_t> by_hash_;    // Indices of entries_.
    size_t standardizer_count_ = 0;  // When the plan was made.
    size_t quantile_bins_count_ = 0;
    std::vector<FeatureSegment> segments_;
    std::vector<FeatureSegment> sorted_segments_;
    std::vector<size_t> offsets_;  // Of the batch's segments in the row.
    std::vector<double> sums_;
  };

  explicit FeatureExpander(FeatureOptions options);

  // Whether what is made of an example changes when it has been observed, so that it is predicted
  // with the one and learned with the other.
  bool standardizes() const { return standardizes_; }
  // Whether all values that are made of values of 1 are 1.
  bool keeps_unit_values() const { return !standardizes_; }

  // Prepares for the batch.
  void MakePlan(const ExampleBatch& batch, Plan& plan) const;

  // Adds what is made of a row to the open row of `columns`. REQUIRES: MakePlan() was
  // called for the batch.
  void AppendRow(const ExampleBatch& batch, size_t row, Plan& plan, FeatureColumns& columns) const;

  // Takes a row into account for those that follow. REQUIRES: MakePlan() was called for the batch.
  void Observe(const ExampleBatch& batch, size_t row, Plan& plan);

  // Counts an example that was learned cut. For the writer.
  void CountCut() { cut_count_.store(cut_count() + 1, std::memory_order_relaxed); }
  uint64_t cut_count() const { return cut_count_.load(std::memory_order_relaxed); }

  // How many features are made of a row at most, numbers that it leaves out apart; stops counting
  // above `enough`. REQUIRES: MakePlan() was called for the batch.
  uint64_t CountRow(const ExampleBatch& batch, size_t row, uint64_t enough, Plan& plan) const;

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS where the bytes do not fit. REQUIRES: the object is new and has no readers.
  absl::Status LoadState(StateReader& reader);

 private:
  // The features of one namespace in a row of a batch.
  struct RowSegment {
    std::span<const uint32_t> ids;
    std::span<const float> values;  // Empty: all 1.
  };

  const NumericOptions* FindNumeric(uint32_t namespace_hash) const;
  const NgramOptions* FindNgrams(uint32_t namespace_hash) const;
  void AddEntry(uint32_t namespace_hash, size_t batch_index, Standardizer* standardizer,
                Plan& plan) const;
  // Makes the plan again where there is more to it now.
  void RefreshPlan(const ExampleBatch& batch, Plan& plan) const;
  static std::span<const uint32_t> SizesOf(const ExampleBatch& batch, size_t row);
  // Finds where the segments of a row begin.
  static void FindOffsets(const ExampleBatch& batch, size_t row, Plan& plan);
  // REQUIRES: FindOffsets() was called for the row.
  static RowSegment SegmentOf(const ExampleBatch& batch, size_t row, const Plan::Entry& entry,
                              const Plan& plan);
  static void AppendSegment(const Plan::Entry& entry, const RowSegment& segment, Plan& plan,
                            FeatureColumns& columns);
  // The segments that are not empty, by hash.
  static std::span<const FeatureSegment> SortedSegments(Plan& plan);

  // Constant after construction.
  const FeatureOptions options_;
  const Interactions interactions_;
  std::vector<uint32_t> numeric_hashes_;           // One for each of options_.numerics.
  std::vector<uint32_t> ngram_hashes_;             // One for each of options_.ngrams.
  const NumericOptions* other_numeric_ = nullptr;  // Of kEveryNamespace; null: none.
  const NgramOptions* other_ngrams_ = nullptr;     // The same.
  bool standardizes_ = false;
  bool observes_ = false;  // Whether anything is learned here.

  // Written by the writer, read by readers.
  NamespaceStates<Standardizer> standardizers_;
  NamespaceStates<QuantileBins> quantile_bins_;
  std::atomic<uint64_t> cut_count_{0};

  // Owned by the writer.
  uint64_t observed_count_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_FEATURE_EXPANDER_H_
