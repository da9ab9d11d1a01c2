// The examples that the core is measured with, as columns in memory.

#ifndef FRESHET_TESTS_BENCH_CORE_STREAM_H_
#define FRESHET_TESTS_BENCH_CORE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/feature/example_batch.h"

namespace freshet {

// Deterministic, in batches of kBatchRows. Immutable.
class CoreStream {
 public:
  static constexpr uint32_t kBatchRows = 512;

  // Rows of so many features, one of each of as many fields, whose values are Zipf-distributed
  // (exponent 1) over a million each; about `total_features` in all, at least one batch.
  static CoreStream Zipf(uint32_t features, size_t total_features);

  // Rows of the same columns, each with a number.
  static CoreStream Numbers(uint32_t columns, size_t total_features);

  size_t batch_count() const { return labels_.size() / kBatchRows; }
  uint32_t features() const { return row_ends_.front(); }

  // REQUIRES: index < batch_count().
  ExampleBatch Batch(size_t index) const;

 private:
  CoreStream(uint32_t features, size_t total_features);

  std::vector<uint32_t> row_ends_;  // Of one batch; all have the same.
  std::vector<uint32_t> ids_;
  std::vector<float> values_;  // Empty where all are 1.
  std::vector<float> labels_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_CORE_STREAM_H_
