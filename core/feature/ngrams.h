// N-grams of the features of a namespace.

#ifndef FRESHET_CORE_FEATURE_NGRAMS_H_
#define FRESHET_CORE_FEATURE_NGRAMS_H_

#include <cstddef>
#include <cstdint>

#include "core/feature/feature_columns.h"

namespace freshet {

// Appends to the open row a feature of value 1 for each n-gram: 2 to `length` of the features
// [begin, end), in order, skipping at most `skips` features in total. The id is computed from the
// ids a, b, c, ... as in Vowpal Wabbit: ((a * K) + b) * K + c ..., with K = 27942141.
void AppendNgrams(uint32_t length, uint32_t skips, size_t begin, size_t end,
                  FeatureColumns& columns);

// How many n-grams `size` features have.
uint64_t CountNgrams(uint32_t length, uint32_t skips, uint64_t size);

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_NGRAMS_H_
