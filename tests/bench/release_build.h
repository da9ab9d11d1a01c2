// Whether this is a build whose speed means anything: optimized, without assertions or sanitizers.

#ifndef FRESHET_TESTS_BENCH_RELEASE_BUILD_H_
#define FRESHET_TESTS_BENCH_RELEASE_BUILD_H_

namespace freshet {

#if defined(NDEBUG) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
inline constexpr bool kReleaseBuild = true;
#else
inline constexpr bool kReleaseBuild = false;
#endif

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_RELEASE_BUILD_H_
