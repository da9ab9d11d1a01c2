// Facts about the machine and the build from which results come.

#ifndef FRESHET_TESTS_BENCH_MACHINE_FACTS_H_
#define FRESHET_TESTS_BENCH_MACHINE_FACTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace freshet {

// Pairs of name and value.
using Facts = std::vector<std::pair<std::string, std::string>>;

// Processor, cores, memory, kernel, compiler, gRPC version, and how long a sync in `dir` takes.
Facts MachineFacts(const std::string& dir);

// Memory available without swapping.
uint64_t AvailableMemoryBytes();

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_MACHINE_FACTS_H_
