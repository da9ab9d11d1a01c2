// Elementary functions that give the same bits on every processor. The C library picks different
// instructions on different machines, but a replayed stream must give the same model everywhere.
//
// They use no branches or tables, so that loops over them can be vectorised, and are constexpr.
//
// REQUIRES: compiled with -ffp-contract=off, in the default rounding mode.

#ifndef FRESHET_CORE_BASE_PORTABLE_MATH_H_
#define FRESHET_CORE_BASE_PORTABLE_MATH_H_

#include <algorithm>
#include <bit>
#include <cstdint>

namespace freshet {

// e^x to a relative error below 1e-14. x is first clamped to [-700, 700], so that the result is
// positive and finite. REQUIRES: x is not NaN.
constexpr double Exp(double x) {
  x = std::min(std::max(x, -700.0), 700.0);
  // x = n ln 2 + r with |r| <= ln 2 / 2; the low bits of `shifted` hold n.
  constexpr double kShift = 0x1.8p52;
  const double shifted = x * 0x1.71547652b82fep0 + kShift;
  const double n = shifted - kShift;
  const double r = x - n * 0x1.62e42fefa38p-1 - n * 0x1.ef35793c7673p-45;
  // The Taylor polynomial of degree 11, evaluated in pairs to keep the dependency chain short.
  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double low = (1.0 + r) + r2 * (1.0 / 2 + r * (1.0 / 6));
  const double middle = (1.0 / 24 + r * (1.0 / 120)) + r2 * (1.0 / 720 + r * (1.0 / 5040));
  const double high =
      (1.0 / 40320 + r * (1.0 / 362880)) + r2 * (1.0 / 3628800 + r * (1.0 / 39916800));
  const double polynomial = low + r4 * (middle + r4 * high);
  const uint64_t scale = (std::bit_cast<uint64_t>(shifted) + 1023) << 52;
  return polynomial * std::bit_cast<double>(scale);
}

// e^x to a relative error below 2e-7, by a shorter chain of operations than Exp(). x is first
// clamped to [-87, 87], so that the result is positive and finite. REQUIRES: x is not NaN.
constexpr float RoughExp(float x) {
  x = std::min(std::max(x, -87.0f), 87.0f);
  // As in Exp(). The high part of ln 2 has 17 bits, so that its product with n is exact.
  constexpr float kShift = 0x1.8p23f;
  const float shifted = x * 0x1.715476p0f + kShift;
  const float n = shifted - kShift;
  const float r = x - n * 0x1.62e4p-1f - n * 0x1.7f7d1cp-20f;
  const float r2 = r * r;
  const float low = (1.0f + r) + r2 * (1.0f / 2 + r * (1.0f / 6));
  const float high = (1.0f / 24 + r * (1.0f / 120)) + r2 * (1.0f / 720 + r * (1.0f / 5040));
  const uint32_t scale = (std::bit_cast<uint32_t>(shifted) + 127) << 23;
  return (low + r2 * r2 * high) * std::bit_cast<float>(scale);
}

// The natural logarithm to an error below 1e-14 * max(1, |result|). REQUIRES: x is finite, and at
// least the smallest normal double.
constexpr double NaturalLog(double x) {
  // x = 2^n m with m in [sqrt(1/2), sqrt(2)).
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  constexpr uint64_t kOneMinusSqrtHalf = 0x3ff0000000000000 - kSqrtHalf;
  const uint64_t bits = std::bit_cast<uint64_t>(x) + kOneMinusSqrtHalf;
  // The biased exponent as a double, without a conversion of 64-bit integers.
  const double n = std::bit_cast<double>((bits >> 52) | 0x4330000000000000) - 0x1p52 - 1023.0;
  const double m = std::bit_cast<double>((bits & 0x000fffffffffffff) + kSqrtHalf);
  // log m = 2 atanh(s), |s| < 0.172.
  const double s = (m - 1.0) / (m + 1.0);
  const double s2 = s * s;
  const double s4 = s2 * s2;
  const double low = (2.0 + s2 * (2.0 / 3)) + s4 * (2.0 / 5 + s2 * (2.0 / 7));
  const double high = (2.0 / 9 + s2 * (2.0 / 11)) + s4 * (2.0 / 13 + s2 * (2.0 / 15));
  return n * 0x1.62e42fefa39efp-1 + s * (low + (s4 * s4) * (high + (s4 * s4) * (2.0 / 17)));
}

// base^exponent. REQUIRES: `base` is finite, and at least the smallest normal double.
constexpr double Pow(double base, double exponent) { return Exp(exponent * NaturalLog(base)); }

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_PORTABLE_MATH_H_
