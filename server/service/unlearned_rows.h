// Finds rows that a variant knows next to nothing about.

#ifndef FRESHET_SERVER_SERVICE_UNLEARNED_ROWS_H_
#define FRESHET_SERVER_SERVICE_UNLEARNED_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/feature/example_batch.h"
#include "server/view/served_variant.h"

namespace freshet {

// Judges the rows of one call to predict, in their order. Not thread-safe.
class UnlearnedRows {
 public:
  // Judges the rows [begin, end) of `batch`: a row is unlearned if the variant has no weight for
  // more than half of its features. Rows of a model that has learned nothing are not judged, nor
  // are further rows once kMaxFeatures features of the call were looked up, so that judging costs
  // little beside predicting.
  void Judge(const ServedVariant& variant, const ExampleBatch& batch, size_t begin, size_t end);

  // Ascending.
  const std::vector<uint32_t>& rows() const { return rows_; }

  static constexpr size_t kMaxFeatures = 4096;

 private:
  size_t looked_up_ = 0;
  std::vector<uint32_t> rows_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_UNLEARNED_ROWS_H_
