// Fast powers of a fixed base.

#ifndef FRESHET_CORE_OPTIMIZER_POWER_TABLE_H_
#define FRESHET_CORE_OPTIMIZER_POWER_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace freshet {

// Computes base^k for a fixed base in [0, 1) from tables, which spares a call of pow() for each
// feature. Constant after construction.
class PowerTable {
 public:
  // REQUIRES: 0 <= base < 1.
  explicit PowerTable(double base);

  // base^k to a relative error of 1e-11, growing to 1e-8 for k in the billions; 0^0 is 1. Free of
  // branches.
  double operator()(uint32_t k) const {
    return powers_[0][k & 255] * powers_[1][(k >> 8) & 255] *
           (powers_[2][(k >> 16) & 255] * powers_[3][k >> 24]);
  }

 private:
  std::array<std::array<double, 256>, 4> powers_;  // powers_[j][i] = base^(i * 256^j)
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_POWER_TABLE_H_
