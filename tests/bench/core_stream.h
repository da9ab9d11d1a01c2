// The examples with which the core is measured, as columns in memory.

#ifndef FRESHET_TESTS_BENCH_CORE_STREAM_H_
#define FRESHET_TESTS_BENCH_CORE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/feature/example_batch.h"

namespace freshet {

// A deterministic stream in batches of kBatchRows. Immutable.
class CoreStream {
 public:
  static constexpr uint32_t kBatchRows = 512;

  // Rows of `features` features, one for each field, whose values are Zipf-distributed (exponent 1)
  // over a million each. About `total_features` in all, but at least one batch.
  static CoreStream Zipf(uint32_t features, size_t total_features);

  // Rows that all have the same columns, each with a number.
  static CoreStream Numbers(uint32_t columns, size_t total_features);

  size_t batch_count() const { return labels_.size() / kBatchRows; }
  uint32_t features() const { return row_ends_.front(); }

  // REQUIRES: index < batch_count().
  ExampleBatch Batch(size_t index) const;

 private:
  CoreStream(uint32_t features, size_t total_features);

  std::vector<uint32_t> row_ends_;  // Of one batch; all batches have the same.
  std::vector<uint32_t> ids_;
  std::vector<float> values_;  // Empty if all are 1.
  std::vector<float> labels_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_CORE_STREAM_H_
