// What a process has used so far.

#ifndef FRESHET_TESTS_BENCH_PROCESS_USAGE_H_
#define FRESHET_TESTS_BENCH_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

namespace freshet {

// Seconds on a processor, the system's part included, to a hundredth.
double CpuSeconds(pid_t process);

// The most memory that was resident at a time.
uint64_t PeakMemoryBytes(pid_t process);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_PROCESS_USAGE_H_
