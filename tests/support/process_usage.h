// What a process has used so far, or uses now; 0 if there is no such process.

#ifndef FRESHET_TESTS_SUPPORT_PROCESS_USAGE_H_
#define FRESHET_TESTS_SUPPORT_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

namespace freshet {

// Seconds of CPU time, user and system, including threads that have ended; to the microsecond or
// better.
double CpuSeconds(pid_t process);

// The same for the calling thread.
double ThreadCpuSeconds();

// The resident memory, now and at its peak.
uint64_t MemoryBytes(pid_t process);
uint64_t PeakMemoryBytes(pid_t process);

uint64_t ThreadCount(pid_t process);

// The number of open file descriptors.
uint64_t DescriptorCount(pid_t process);

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_PROCESS_USAGE_H_
