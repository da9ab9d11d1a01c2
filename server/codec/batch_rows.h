// Views of ranges of rows of a batch.

#ifndef FRESHET_SERVER_CODEC_BATCH_ROWS_H_
#define FRESHET_SERVER_CODEC_BATCH_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/feature/example_batch.h"

namespace freshet {

// The rows [begin, end) as a batch of their own, without labels and weights. It refers to
// `row_ends`, which is overwritten. REQUIRES: begin < end <= batch.size().
inline ExampleBatch ViewRows(const ExampleBatch& batch, size_t begin, size_t end,
                             std::vector<uint32_t>& row_ends) {
  const uint32_t first = batch.RowBegin(begin);
  row_ends.clear();
  for (size_t row = begin; row < end; ++row) row_ends.push_back(batch.RowEnd(row) - first);
  ExampleBatch rows = batch;
  rows.row_ends = row_ends;
  rows.labels = {};
  rows.weights = {};
  rows.feature_ids = batch.feature_ids.subspan(first, row_ends.back());
  if (!batch.values.empty()) rows.values = batch.values.subspan(first, row_ends.back());
  const size_t namespaces = batch.namespace_hashes.size();
  if (batch.segment_sizes.size() != namespaces) {  // Each row has its own shape.
    rows.segment_sizes =
        batch.segment_sizes.subspan(begin * namespaces, (end - begin) * namespaces);
  }
  return rows;
}

// Presents some rows of a batch that is predicted as a batch of their own. Keeps its memory for the
// next call. Not thread-safe.
class BatchRows {
 public:
  // See ViewRows(); valid until the next call.
  ExampleBatch View(const ExampleBatch& batch, size_t begin, size_t end) {
    return ViewRows(batch, begin, end, row_ends_);
  }

 private:
  std::vector<uint32_t> row_ends_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_CODEC_BATCH_ROWS_H_
