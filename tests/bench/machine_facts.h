// The machine and the build that figures come from.

#ifndef FRESHET_TESTS_BENCH_MACHINE_FACTS_H_
#define FRESHET_TESTS_BENCH_MACHINE_FACTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace freshet {

// Name and value.
using Facts = std::vector<std::pair<std::string, std::string>>;

// Processor, cores, memory, kernel, compiler, gRPC, and how long the disk of `dir` takes to sync.
Facts MachineFacts(const std::string& dir);

// Memory that can be had without swapping.
uint64_t AvailableMemoryBytes();

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_MACHINE_FACTS_H_
