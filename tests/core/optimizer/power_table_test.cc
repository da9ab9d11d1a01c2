#include "core/optimizer/power_table.h"

#include <cmath>
#include <cstdint>

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(PowerTableTest, AgreesWithPow) {
  for (const double base : {0.1, 0.5, 0.9, 0.999, 0.9999, 0.999999}) {
    const PowerTable powers(base);
    for (const uint32_t k : {0u, 1u, 2u, 255u, 256u, 257u, 1000u, 65535u, 65536u, 70000u, 1000000u,
                             16777216u, 123456789u, 0x7fffffffu, 0xffffffffu}) {
      const double expected = std::pow(base, k);
      EXPECT_NEAR(powers(k), expected, (k < 65536 ? 1e-11 : 1e-8) * expected + 1e-300)
          << base << "^" << k;
    }
  }
}

TEST(PowerTableTest, OfZeroIsOneOnlyAtZero) {
  const PowerTable powers(0);
  EXPECT_EQ(powers(0), 1);
  for (const uint32_t k : {1u, 255u, 256u, 65536u, 0xffffffffu}) EXPECT_EQ(powers(k), 0) << k;
}

}  // namespace
}  // namespace freshet
