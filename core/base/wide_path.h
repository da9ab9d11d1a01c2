// Code that is compiled a second time for processors with wider vector registers.

#ifndef FRESHET_CORE_BASE_WIDE_PATH_H_
#define FRESHET_CORE_BASE_WIDE_PATH_H_

#include <atomic>

// On a function: compiles it, and what it calls as far as that can be inlined, for AVX2. That has
// no fused multiply-add, and vectors do to each lane what plain code does: results are the same to
// the bit. To be called only where WidePathIsOn(). Nothing where there is no such processor.
#ifdef __x86_64__
#define FRESHET_WIDE_PATH gnu::target("avx2"), gnu::flatten
#else
#define FRESHET_WIDE_PATH
#endif

namespace freshet {

inline bool ProcessorHasWidePath() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

namespace internal {
inline std::atomic<bool> wide_path_is_on{ProcessorHasWidePath()};
}  // namespace internal

// Whether functions are to be called in their second form. From any thread.
inline bool WidePathIsOn() { return internal::wide_path_is_on.load(std::memory_order_relaxed); }

// For tests: takes the other path from here on. REQUIRES: `on` only where ProcessorHasWidePath().
inline void SetWidePath(bool on) { internal::wide_path_is_on.store(on, std::memory_order_relaxed); }

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_WIDE_PATH_H_
