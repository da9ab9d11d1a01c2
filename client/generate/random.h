// Random numbers that are the same on every machine, unlike the standard library's distributions.

#ifndef FRESHET_CLIENT_GENERATE_RANDOM_H_
#define FRESHET_CLIENT_GENERATE_RANDOM_H_

#include <cstdint>
#include <vector>

namespace freshet {

// Scrambles a number: the mixing function of SplitMix64 (Steele, Lea, Flood, "Fast Splittable
// Pseudorandom Number Generators", 2014).
inline uint64_t Scramble(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// The generator SplitMix64. Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Bits() {
    const uint64_t bits = Scramble(state_);
    state_ += 0x9e3779b97f4a7c15;
    return bits;
  }
  // A number in [0, 1).
  double Uniform() { return static_cast<double>(Bits() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

// Draws k in [0, n) with a probability proportional to 1 / (k + shift)^1, Zipf's law with a flatter
// head, in constant time by the alias method (Vose, 1991). n is at most 2^32.
class ZipfSampler {
 public:
  // REQUIRES: n > 0, shift > 0.
  ZipfSampler(uint32_t n, double shift);

  uint32_t Draw(Random& random) const;

 private:
  struct Bucket {
    uint32_t threshold;  // Below it the bucket's own number is drawn, else the alias.
    uint32_t alias;
  };

  std::vector<Bucket> buckets_;
};

// A nearly normal number with mean 0 and variance 1 from 64 random bits.
double NearlyNormal(uint64_t bits);

// Draws from the exponential distribution with mean 1.
double DrawExponential(Random& random);

// 1 / (1 + e^-x), to within 1e-12, from operations that round alike everywhere.
double PortableSigmoid(double x);

}  // namespace freshet

#endif  // FRESHET_CLIENT_GENERATE_RANDOM_H_
