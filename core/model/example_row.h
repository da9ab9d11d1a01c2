// Views of the features of one example of a batch, as learners iterate over them.

#ifndef FRESHET_CORE_MODEL_EXAMPLE_ROW_H_
#define FRESHET_CORE_MODEL_EXAMPLE_ROW_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/base/float4.h"
#include "core/feature/example_batch.h"

namespace freshet {

// Features that all have value 1.
struct UnitRow {
  UnitRow(const ExampleBatch& batch, size_t row)
      : ids(batch.feature_ids.data() + batch.RowBegin(row)),
        size(batch.RowEnd(row) - batch.RowBegin(row)),
        offset(batch.Offset(row)) {}
  static float Value(size_t /*i*/) { return 1.0f; }
  // The values of features i to i + 3; zeros after the last feature. REQUIRES: i < size.
  Float4 Values(size_t i) const {
    if (i + 4 <= size) return Splat(1.0f);
    return Float4{1.0f, i + 1 < size ? 1.0f : 0.0f, i + 2 < size ? 1.0f : 0.0f, 0.0f};
  }
  static float MaxAbsValue() { return 1.0f; }

  const uint32_t* ids;
  size_t size;
  float offset;  // What is added to the score.
};

// Features with values.
struct ValueRow : UnitRow {
  ValueRow(const ExampleBatch& batch, size_t row)
      : UnitRow(batch, row), values(batch.values.data() + batch.RowBegin(row)) {}
  float Value(size_t i) const { return values[i]; }
  Float4 Values(size_t i) const {
    if (i + 4 <= this->size) return LoadFloat4(values + i);
    return Float4{values[i], i + 1 < this->size ? values[i + 1] : 0.0f,
                  i + 2 < this->size ? values[i + 2] : 0.0f, 0.0f};
  }
  // The largest |value|, but at least 1, the value of the intercept. Meaningless if a value is NaN.
  float MaxAbsValue() const {
    float result = 1.0f;
    for (size_t i = 0; i < this->size; ++i) result = std::max(result, std::abs(values[i]));
    return result;
  }

  const float* values;
};

// The sum of first, term(0), ..., term(size - 1). Adds up four partial sums side by side; the order
// of the additions determines the result and must not change.
template <typename Number, typename Term>
Number SumOf(size_t size, Number first, const Term& term) {
  Number sums[4] = {first, 0, 0, 0};
  size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    sums[0] += term(i);
    sums[1] += term(i + 1);
    sums[2] += term(i + 2);
    sums[3] += term(i + 3);
  }
  for (; i < size; ++i) sums[i % 4] += term(i);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Adds up four partial sums in one register, in the order of SumOf().
inline float SumOfLanes(Float4 sums) { return (sums[0] + sums[1]) + (sums[2] + sums[3]); }

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_EXAMPLE_ROW_H_
