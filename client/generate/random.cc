#include "client/generate/random.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace freshet {
namespace {

constexpr double kLog2E = 1.44269504088896340736;
constexpr double kLn2 = 0.69314718055994530942;
constexpr double kMaxExponent = 700;

// e^x by a Taylor series on [-ln 2 / 2, ln 2 / 2], scaled by a power of two.
double PortableExp(double x) {
  x = std::clamp(x, -kMaxExponent, kMaxExponent);
  const double power = std::floor(x * kLog2E + 0.5);
  const double rest = x - power * kLn2;
  double sum = 1;
  for (int term = 14; term > 0; --term) sum = 1 + sum * rest / term;
  return std::ldexp(sum, static_cast<int>(power));
}

}  // namespace

// The scaled sum of four uniform numbers.
double NearlyNormal(uint64_t bits) {
  constexpr uint64_t kMask = 0xffff;
  const uint64_t sum =
      (bits & kMask) + (bits >> 16 & kMask) + (bits >> 32 & kMask) + (bits >> 48 & kMask);
  constexpr double kRootThree = 1.7320508075688772;  // The variance of the sum is 1/3.
  return (static_cast<double>(sum) * 0x1p-16 - 2) * kRootThree;
}

// By comparisons alone, since logarithms differ between libraries (von Neumann, "Various Techniques
// Used in Connection with Random Digits", 1951): a falling run of uniform numbers that begins with
// x has an odd length with probability e^-x.
double DrawExponential(Random& random) {
  for (double whole = 0;; ++whole) {
    const double first = random.Uniform();
    double last = first;
    bool odd = true;
    for (double next = random.Uniform(); next < last; next = random.Uniform()) {
      last = next;
      odd = !odd;
    }
    if (odd) return whole + first;
  }
}

double PortableSigmoid(double x) { return 1 / (1 + PortableExp(-x)); }

ZipfSampler::ZipfSampler(uint32_t n, double shift) : buckets_(n) {
  std::vector<double> shares(n);  // The probability of each k, times n once normalised.
  double total = 0;
  for (uint32_t k = 0; k < n; ++k) {
    shares[k] = 1 / (k + shift);
    total += shares[k];
  }
  std::vector<uint32_t> small;
  std::vector<uint32_t> large;
  for (uint32_t k = 0; k < n; ++k) {
    shares[k] *= n / total;
    (shares[k] < 1 ? small : large).push_back(k);
  }
  const auto set_bucket = [this](uint32_t k, double share, uint32_t alias) {
    buckets_[k] = {static_cast<uint32_t>(std::min(share * 0x1p32, 0x1p32 - 1)), alias};
  };
  while (!small.empty() && !large.empty()) {
    const uint32_t poor = small.back();
    const uint32_t rich = large.back();
    small.pop_back();
    set_bucket(poor, shares[poor], rich);
    shares[rich] -= 1 - shares[poor];
    if (shares[rich] < 1) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  // The remaining shares differ from 1 only by rounding.
  for (const uint32_t k : small) set_bucket(k, 1, k);
  for (const uint32_t k : large) set_bucket(k, 1, k);
}

uint32_t ZipfSampler::Draw(Random& random) const {
  const uint64_t bits = random.Bits();
  const auto k = static_cast<uint32_t>(((bits >> 32) * buckets_.size()) >> 32);
  const Bucket& bucket = buckets_[k];
  return static_cast<uint32_t>(bits) < bucket.threshold ? k : bucket.alias;
}

}  // namespace freshet
