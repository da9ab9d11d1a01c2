#include "core/base/portable_math.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(PortableMathTest, ExpAgreesWithTheLibrary) {
  for (double x = -699; x < 699; x += 0.0937) {
    EXPECT_NEAR(Exp(x) / std::exp(x), 1, 2e-14) << x;
  }
  EXPECT_EQ(Exp(0), 1);
  for (double x = 1; x > 1e-300; x /= 3) EXPECT_NEAR(Exp(x), std::exp(x), 2e-14) << x;
}

TEST(PortableMathTest, ExpStaysPositiveAndFinite) {
  for (const double x :
       {-1e308, -1e5, -701.0, 701.0, 1e308, std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    EXPECT_GT(Exp(x), 0) << x;
    EXPECT_TRUE(std::isfinite(Exp(x))) << x;
  }
}

TEST(PortableMathTest, RoughExpAgreesWithTheLibrary) {
  for (float x = -87; x < 87; x += 0.0137f) {
    EXPECT_NEAR(RoughExp(x) / std::exp(static_cast<double>(x)), 1, 2e-7) << x;
  }
  EXPECT_EQ(RoughExp(0), 1);
}

TEST(PortableMathTest, RoughExpStaysPositiveAndFinite) {
  for (const float x : {-3e38f, -88.0f, 88.0f, 3e38f, std::numeric_limits<float>::infinity(),
                        -std::numeric_limits<float>::infinity()}) {
    EXPECT_GT(RoughExp(x), 0) << x;
    EXPECT_TRUE(std::isfinite(RoughExp(x))) << x;
  }
}

TEST(PortableMathTest, LogAgreesWithTheLibrary) {
  for (double x = 1e-300; x < 1e300; x *= 1.37) {
    EXPECT_NEAR(NaturalLog(x), std::log(x), 1e-14 * std::abs(std::log(x)) + 1e-15) << x;
  }
  for (double x = 0.5; x < 2; x += 0.00137) EXPECT_NEAR(NaturalLog(x), std::log(x), 1e-15) << x;
  EXPECT_EQ(NaturalLog(1), 0);
}

TEST(PortableMathTest, PowAgreesWithTheLibrary) {
  for (const double base : {1e-10, 0.3, 1.0, 7.5}) {
    for (const double exponent : {0.0, 0.5, 1.0, 3.7}) {
      EXPECT_NEAR(Pow(base, exponent) / std::pow(base, exponent), 1, 1e-12);
    }
  }
}

// Compares exact bits, to detect machines or compilers that compute something different.
TEST(PortableMathTest, GivesTheSameBitsEverywhere) {
  EXPECT_EQ(Exp(1), 0x1.5bf0a8b145762p+1);
  EXPECT_EQ(Exp(-0.3), 0x1.7b4c869c37bfbp-1);
  EXPECT_EQ(Exp(33.25), 0x1.f553e375c68ecp+47);
  EXPECT_EQ(RoughExp(1), 0x1.5bf0a8p+1f);
  EXPECT_EQ(RoughExp(-0.3f), 0x1.7b4c86p-1f);
  EXPECT_EQ(RoughExp(33.25f), 0x1.f553e4p+47f);
  EXPECT_EQ(NaturalLog(10), 0x1.26bb1bbb55515p+1);
  EXPECT_EQ(NaturalLog(1e-15), -0x1.144f69ff9ffc4p+5);
}

}  // namespace
}  // namespace freshet
