// How a benchmark ends if it cannot measure.

#ifndef FRESHET_TESTS_BENCH_BENCH_FAILURE_H_
#define FRESHET_TESTS_BENCH_BENCH_FAILURE_H_

#include <cstdio>
#include <cstdlib>
#include <string>

namespace freshet {

// Prints the message and ends the process, and with it the servers that it started. May be called
// on any thread.
[[noreturn]] inline void FailBench(const std::string& message) {
  std::fprintf(stderr, "freshet_bench: %s\n", message.c_str());
  std::_Exit(1);
}

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_FAILURE_H_
