// The check that fuzzers use: if it fails, that is a finding.

#ifndef FRESHET_TESTS_FUZZ_REQUIRE_H_
#define FRESHET_TESTS_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>

namespace freshet {

inline void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace freshet

#endif  // FRESHET_TESTS_FUZZ_REQUIRE_H_
