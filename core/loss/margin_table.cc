#include "core/loss/margin_table.h"

#include <array>
#include <cstddef>

#include "core/base/portable_math.h"

namespace freshet {
namespace {

// The w with log w + w = s. Newton's method, started to the left of the solution, which converges
// because log w + w is concave.
constexpr double Solution(double s) {
  double w = s < 1 ? Exp(s - 1) : 0.5;
  for (int i = 0; i < 12; ++i) w *= (1 + s - NaturalLog(w)) / (1 + w);
  return w;
}

}  // namespace

constexpr std::array<double, MarginTable::kSize> MarginTable::MakeSolutions() {
  std::array<double, kSize> result{};
  for (size_t i = 0; i < kSize; ++i) result[i] = Solution(PlaceOf(i) + kShift);
  return result;
}

constinit const std::array<double, MarginTable::kSize> MarginTable::kSolutions = MakeSolutions();

}  // namespace freshet
