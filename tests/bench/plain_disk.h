// The disk itself, without a log or a snapshot above it.

#ifndef FRESHET_TESTS_BENCH_PLAIN_DISK_H_
#define FRESHET_TESTS_BENCH_PLAIN_DISK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace freshet {

// Waits until what was written is on the disk of `dir`, so that what is measured next has the disk
// to itself.
void SettleDisk(const std::string& dir);

// Appends 128 kB to a file in `dir` and syncs it with fdatasync(2), `count` times; how long each
// took, in milliseconds.
std::vector<double> SyncLatenciesMs(const std::string& dir, int count);

// Bytes a second of writing a file of `size_bytes` in `dir` and syncing it once.
double WriteRate(const std::string& dir, uint64_t size_bytes);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_PLAIN_DISK_H_
