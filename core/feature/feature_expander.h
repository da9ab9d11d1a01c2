// Applies a model's feature options (numeric transforms, n-grams, interactions) to examples.

#ifndef FRESHET_CORE_FEATURE_FEATURE_EXPANDER_H_
#define FRESHET_CORE_FEATURE_FEATURE_EXPANDER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_options.h"
#include "core/feature/interactions.h"
#include "core/feature/letter_features.h"
#include "core/feature/namespace_states.h"
#include "core/feature/quantile_bins.h"
#include "core/feature/standardizer.h"

namespace freshet {

// Turns the features of an example into those that are learned. Applies numeric transforms first,
// then n-grams, then interactions.
//
// In the output, namespaces with standardised numbers come first, because every example has these
// numbers. The other namespaces follow in the order of the batch, and interactions come last. What
// the transforms learn depends only on the examples and their order, not on how they are divided
// into batches.
//
// Memory is bounded: at most 64 namespaces have standardised numbers, and at most 64 have quantile
// bins. In further namespaces, a number to be standardised is left out, and all values of a number
// to be binned fall into one bin. Standardizer and QuantileBins bound each namespace,
// FeatureColumns bounds each example. An example from which features are left out is called cut.
//
// Threads: one writer calls Observe() and SaveState() while any number of readers call AppendRow(),
// each with columns and a plan of its own.
class FeatureExpander {
 public:
  // What to do with each namespace of a batch, and scratch memory. Reusable for other batches.
  class Plan {
    friend class FeatureExpander;

    static constexpr size_t kNotInBatch = static_cast<size_t>(-1);

    struct Entry {
      uint32_t namespace_hash;
      size_t batch_index;             // kNotInBatch if the batch lacks it: its numbers are all 0.
      const NumericOptions* numeric;  // Null: values stay as they are.
      const NgramOptions* ngrams;     // Null: no n-grams.
      Standardizer* standardizer;     // Null: none yet.
      QuantileBins* quantile_bins;    // Null: none yet.
    };

    std::vector<Entry> entries_;
    std::vector<size_t> by_hash_;    // Indices into entries_, sorted by namespace hash.
    size_t standardizer_count_ = 0;  // When the plan was made.
    size_t quantile_bins_count_ = 0;
    std::vector<FeatureSegment> segments_;
    std::vector<FeatureSegment> sorted_segments_;
    std::vector<size_t> offsets_;  // Where the current row's segments begin in the batch.
    std::vector<double> sums_;
    LetterFeatures::Scratch letters_;
  };

  explicit FeatureExpander(FeatureOptions options);

  // Whether observing an example changes its own expanded features. Such an example is predicted
  // with the features before Observe() and learned with those after it.
  bool standardizes() const { return standardizes_; }
  // Whether features whose values are all 1 expand only to features of value 1.
  bool keeps_unit_values() const { return !standardizes_; }

  // Fills in `plan` for the batch. Required before the other calls that take a plan.
  void MakePlan(const ExampleBatch& batch, Plan& plan) const;

  // Appends the expanded features of a row to the open row of `columns`. REQUIRES: MakePlan() was
  // called for the batch.
  void AppendRow(const ExampleBatch& batch, size_t row, Plan& plan, FeatureColumns& columns) const;

  // Updates means, deviations and bins with a row. REQUIRES: MakePlan() was called for the batch.
  void Observe(const ExampleBatch& batch, size_t row, Plan& plan);

  // Counts an example that was cut when it was learned. Only for the writer.
  void CountCut() { cut_count_.store(cut_count() + 1, std::memory_order_relaxed); }
  uint64_t cut_count() const { return cut_count_.load(std::memory_order_relaxed); }

  // An upper bound on the number of expanded features of a row, not counting standardised numbers
  // that the row leaves out. Stops counting above `enough`. REQUIRES: MakePlan() was called for the
  // batch.
  uint64_t CountRow(const ExampleBatch& batch, size_t row, uint64_t enough, Plan& plan) const;

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS if the saved state is invalid. REQUIRES: the object is new and has no readers.
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
  // Makes the plan again if states have been added since it was made.
  void RefreshPlan(const ExampleBatch& batch, Plan& plan) const;
  static std::span<const uint32_t> SizesOf(const ExampleBatch& batch, size_t row);
  // Sets plan.offsets_ to where the segments of a row begin.
  static void FindOffsets(const ExampleBatch& batch, size_t row, Plan& plan);
  // REQUIRES: FindOffsets() was called for the row.
  static RowSegment SegmentOf(const ExampleBatch& batch, size_t row, const Plan::Entry& entry,
                              const Plan& plan);
  static void AppendSegment(const Plan::Entry& entry, const RowSegment& segment, Plan& plan,
                            FeatureColumns& columns);
  // The segments that are not empty, sorted by namespace hash.
  static std::span<const FeatureSegment> SortedSegments(Plan& plan);

  // Constant after construction.
  const FeatureOptions options_;
  const Interactions interactions_;
  std::optional<LetterFeatures> letters_;          // Set: takes the place of all the rest.
  std::vector<uint32_t> numeric_hashes_;           // One for each of options_.numerics.
  std::vector<uint32_t> ngram_hashes_;             // One for each of options_.ngrams.
  const NumericOptions* other_numeric_ = nullptr;  // The entry for kEveryNamespace; null: none.
  const NgramOptions* other_ngrams_ = nullptr;     // The entry for kEveryNamespace; null: none.
  bool standardizes_ = false;
  bool observes_ = false;  // Whether any transform learns from examples.

  // Written by the writer, read by readers.
  NamespaceStates<Standardizer> standardizers_;
  NamespaceStates<QuantileBins> quantile_bins_;
  std::atomic<uint64_t> cut_count_{0};

  // Owned by the writer.
  uint64_t observed_count_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_FEATURE_EXPANDER_H_
