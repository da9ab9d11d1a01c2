// A vector of four floats (one SIMD register), for code that does the same to each of them.
//
// Every operation is the IEEE 754 operation on each lane, so results are bit-identical on every
// processor. REQUIRES: compiled with -ffp-contract=off.

#ifndef FRESHET_CORE_BASE_FLOAT4_H_
#define FRESHET_CORE_BASE_FLOAT4_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

namespace freshet {

using Float4 = float __attribute__((vector_size(16)));

inline Float4 LoadFloat4(const float* numbers) {
  Float4 result;
  std::memcpy(&result, numbers, sizeof(result));
  return result;
}

inline void StoreFloat4(Float4 lanes, float* numbers) {
  std::memcpy(numbers, &lanes, sizeof(lanes));
}

inline Float4 Splat(float number) { return Float4{number, number, number, number}; }

// Lane by lane. REQUIRES: no lane of Min(), Max() or AnyAbove() is NaN.
#ifdef __SSE__
inline Float4 Min(Float4 a, Float4 b) { return _mm_min_ps(a, b); }
inline Float4 Max(Float4 a, Float4 b) { return _mm_max_ps(a, b); }
inline Float4 Sqrt(Float4 lanes) { return _mm_sqrt_ps(lanes); }
inline bool AnyAbove(Float4 a, Float4 b) { return _mm_movemask_ps(_mm_cmpgt_ps(a, b)) != 0; }
#else
inline Float4 Min(Float4 a, Float4 b) { return a < b ? a : b; }
inline Float4 Max(Float4 a, Float4 b) { return a > b ? a : b; }
inline Float4 Sqrt(Float4 lanes) {
  for (int i = 0; i < 4; ++i) lanes[i] = std::sqrt(lanes[i]);
  return lanes;
}
inline bool AnyAbove(Float4 a, Float4 b) {
  return a[0] > b[0] || a[1] > b[1] || a[2] > b[2] || a[3] > b[3];
}
#endif

inline Float4 Abs(Float4 lanes) {
  using Bits4 = int32_t __attribute__((vector_size(16)));
  return std::bit_cast<Float4>(std::bit_cast<Bits4>(lanes) & 0x7fffffff);
}

// copysign() lane by lane: the magnitudes `sizes` with the signs of `signs`. REQUIRES: sizes >= 0.
inline Float4 WithSign(Float4 sizes, Float4 signs) {
  using Bits4 = int32_t __attribute__((vector_size(16)));
  return std::bit_cast<Float4>(std::bit_cast<Bits4>(sizes) |
                               (std::bit_cast<Bits4>(signs) & INT32_MIN));
}

// The same functions for a single float, so that templates can be written for one number or four.
inline float Min(float a, float b) { return std::min(a, b); }
inline float Max(float a, float b) { return std::max(a, b); }
inline float Sqrt(float number) { return std::sqrt(number); }
inline float Abs(float number) { return std::abs(number); }
inline bool AnyAbove(float a, float b) { return a > b; }
inline float WithSign(float size, float sign) { return std::copysign(size, sign); }

// `number` itself for a float, or in all four lanes for a Float4.
template <typename Number>
Number Filled(float number) {
  if constexpr (std::is_same_v<Number, float>) {
    return number;
  } else {
    return Splat(number);
  }
}

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_FLOAT4_H_
