#ifndef FRESHET_CORE_OPTIMIZER_POWER_TABLE_H_
#define FRESHET_CORE_OPTIMIZER_POWER_TABLE_H_

#include <cstdint>
#include <vector>

namespace freshet {

// The powers base^k of a number in [0, 1), without a call of pow for each feature. Constant after
// construction.
class PowerTable {
 public:
  // REQUIRES: 0 <= base < 1.
  explicit PowerTable(double base);

  // base^k to a relative error of about 1e-13; 0^0 is 1.
  double operator()(uint64_t k) const {
    if (k < kSize) return low_[k];
    if (k < kSize * kSize) return middle_[k / kSize] * low_[k % kSize];
    if (k >= kSize * kSize * kSize) return 0;
    return high_[k / (kSize * kSize)] * middle_[k / kSize % kSize] * low_[k % kSize];
  }

 private:
  static constexpr uint64_t kSize = 2048;  // Its cube is above 2^32.

  std::vector<double> low_;     // base^i
  std::vector<double> middle_;  // base^(i kSize)
  std::vector<double> high_;    // base^(i kSize^2)
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_POWER_TABLE_H_
