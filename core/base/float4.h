// Four floats side by side, for code that does the same to each.
//
// Every operation is that of IEEE 754 on each lane, so that results are the same bits on every
// processor. REQUIRES: compiled with -ffp-contract=off.

#ifndef FRESHET_CORE_BASE_FLOAT4_H_
#define FRESHET_CORE_BASE_FLOAT4_H_

#include <cstring>

#ifdef __SSE__
#include <xmmintrin.h>
#else
#include <cmath>
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

// Of numbers, not NaN.
#ifdef __SSE__
inline Float4 Min(Float4 a, Float4 b) { return _mm_min_ps(a, b); }
inline Float4 Max(Float4 a, Float4 b) { return _mm_max_ps(a, b); }
inline Float4 Sqrt(Float4 lanes) { return _mm_sqrt_ps(lanes); }
#else
inline Float4 Min(Float4 a, Float4 b) { return a < b ? a : b; }
inline Float4 Max(Float4 a, Float4 b) { return a > b ? a : b; }
inline Float4 Sqrt(Float4 lanes) {
  for (int i = 0; i < 4; ++i) lanes[i] = std::sqrt(lanes[i]);
  return lanes;
}
#endif

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_FLOAT4_H_
