// Support for functions that are compiled a second time, for processors with AVX2.

#ifndef FRESHET_CORE_BASE_WIDE_PATH_H_
#define FRESHET_CORE_BASE_WIDE_PATH_H_

#include <atomic>

// An attribute that compiles a function, and whatever of its callees can be inlined, for AVX2. AVX2
// has no fused multiply-add, and each vector lane computes what scalar code does, so results are
// bit-identical. Call such a function only if WidePathIsOn(). Empty on other architectures.
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

// Whether to call the AVX2 versions of functions. Thread-safe.
inline bool WidePathIsOn() { return internal::wide_path_is_on.load(std::memory_order_relaxed); }

// For tests: chooses the path from now on. REQUIRES: !on || ProcessorHasWidePath().
inline void SetWidePath(bool on) { internal::wide_path_is_on.store(on, std::memory_order_relaxed); }

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_WIDE_PATH_H_
