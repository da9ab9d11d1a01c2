// What a process has used so far, or uses now; 0 where there is no such process.

#ifndef FRESHET_TESTS_BENCH_PROCESS_USAGE_H_
#define FRESHET_TESTS_BENCH_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

namespace freshet {

// Seconds on a processor, the system's part and that of threads that ended included, to the
// microsecond or better.
double CpuSeconds(pid_t process);

// The same of the calling thread.
double ThreadCpuSeconds();

// Memory that is resident, and the most that was.
uint64_t MemoryBytes(pid_t process);
uint64_t PeakMemoryBytes(pid_t process);

uint64_t ThreadCount(pid_t process);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_PROCESS_USAGE_H_
