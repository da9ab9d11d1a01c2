#ifndef FRESHET_CORE_FEATURE_NGRAMS_H_
#define FRESHET_CORE_FEATURE_NGRAMS_H_

#include <cstddef>
#include <cstdint>

#include "core/feature/feature_columns.h"

namespace freshet {

// Adds to the open row a feature of value 1 for each run of 2 to `length` of its features
// [begin, end), in their order, which leaps over at most `skips` features in all. The id is made of
// the ids a, b, c, ... as Vowpal Wabbit does: ((a * K) + b) * K + c ..., K = 27942141.
void AppendNgrams(uint32_t length, uint32_t skips, size_t begin, size_t end,
                  FeatureColumns& columns);

// How many features that makes of `size` features.
uint64_t CountNgrams(uint32_t length, uint32_t skips, uint64_t size);

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_NGRAMS_H_
