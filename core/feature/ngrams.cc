#include "core/feature/ngrams.h"

#include <array>
#include <span>

namespace freshet {
namespace {

constexpr uint32_t kFactor = 27942141;
constexpr size_t kMaxLength = 8;

// Appends a feature for each position of one n-gram shape. `offsets` are the distances of the
// n-gram's features from its first one.
void AppendShape(std::span<const size_t> offsets, size_t begin, size_t end,
                 FeatureColumns& columns) {
  if (offsets.back() >= end - begin) return;
  const size_t first_made = columns.size();
  const size_t count = columns.Grow(end - begin - offsets.back());
  uint32_t* const ids = columns.ids();
  for (size_t i = 0; i < count; ++i) {
    uint32_t id = ids[begin + i];
    for (const size_t offset : offsets.subspan(1)) id = id * kFactor + ids[begin + i + offset];
    ids[first_made + i] = id;
    columns.values()[first_made + i] = 1;
  }
}

// Appends the features of all shapes whose first `known` offsets are those in `offsets`.
void AppendShapes(std::span<size_t> offsets, size_t known, size_t skips, size_t begin, size_t end,
                  FeatureColumns& columns) {
  if (known == offsets.size()) {
    AppendShape(offsets, begin, end, columns);
    return;
  }
  for (size_t skipped = 0; skipped <= skips && !columns.is_cut(); ++skipped) {
    offsets[known] = offsets[known - 1] + 1 + skipped;
    if (offsets[known] >= end - begin) return;
    AppendShapes(offsets, known + 1, skips - skipped, begin, end, columns);
  }
}

// The number of ways to write `total` as an ordered sum of `parts` numbers >= 0.
uint64_t CountSums(uint64_t total, uint64_t parts) {
  uint64_t count = 1;
  for (uint64_t i = 1; i < parts; ++i) count = count * (total + i) / i;
  return count;
}

}  // namespace

void AppendNgrams(uint32_t length, uint32_t skips, size_t begin, size_t end,
                  FeatureColumns& columns) {
  std::array<size_t, kMaxLength> offsets{};
  for (size_t size = 2; size <= length; ++size) {
    AppendShapes(std::span(offsets).first(size), 1, skips, begin, end, columns);
  }
}

uint64_t CountNgrams(uint32_t length, uint32_t skips, uint64_t size) {
  uint64_t count = 0;
  for (uint64_t run = 2; run <= length; ++run) {
    for (uint64_t skipped = 0; skipped <= skips; ++skipped) {
      const uint64_t span = run - 1 + skipped;
      if (span < size) count += CountSums(skipped, run - 1) * (size - span);
    }
  }
  return count;
}

}  // namespace freshet
