// Precomputed solutions w of log w + w = s, the starting points for the importance-aware step of
// logistic loss.

#ifndef FRESHET_CORE_LOSS_MARGIN_TABLE_H_
#define FRESHET_CORE_LOSS_MARGIN_TABLE_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace freshet {

// Covers s from kFirst to kEnd with 128 points for each octave of s - kFirst + 1, evenly spaced
// within the octave, so the points are dense where the solution bends. The part of the table that a
// stream uses stays in the L1 cache.
class MarginTable {
 public:
  static constexpr double kFirst = -8;
  static constexpr int kOctaves = 12;
  static constexpr double kEnd = kFirst - 1 + (1 << kOctaves);

  struct Point {
    double s;
    double w;
  };

  // The point nearest to `s`. REQUIRES: kFirst <= s < kEnd.
  static Point Nearest(double s) {
    const auto bits = std::bit_cast<uint64_t>(s - kShift) + kHalfStep;
    const size_t index = (bits >> kStepBits) - kFirstIndex;
    return {.s = PlaceOf(index) + kShift, .w = kSolutions[index]};
  }

 private:
  static constexpr int kPerOctaveBits = 7;
  static constexpr int kStepBits = 52 - kPerOctaveBits;
  static constexpr uint64_t kHalfStep = uint64_t{1} << (kStepBits - 1);
  static constexpr uint64_t kFirstIndex = uint64_t{1023} << kPerOctaveBits;
  static constexpr double kShift = kFirst - 1;
  static constexpr size_t kSize = (size_t{kOctaves} << kPerOctaveBits) + 1;

  // s - kShift of a point.
  static constexpr double PlaceOf(size_t index) {
    return std::bit_cast<double>((index + kFirstIndex) << kStepBits);
  }

  static constexpr std::array<double, kSize> MakeSolutions();

  static const std::array<double, kSize> kSolutions;
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_MARGIN_TABLE_H_
