// The disk alone, without a log or snapshots on top.

#ifndef FRESHET_TESTS_BENCH_PLAIN_DISK_H_
#define FRESHET_TESTS_BENCH_PLAIN_DISK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace freshet {

// Waits until everything written so far is on the disk of `dir`, so that the next measurement has
// the disk to itself.
void SettleDisk(const std::string& dir);

// Appends 128 kB to a file in `dir` and syncs it with fdatasync(2), `count` times. Returns how long
// each append and sync took, in milliseconds.
std::vector<double> SyncLatenciesMs(const std::string& dir, int count);

// Writes a file of `size_bytes` in `dir`, syncs it once, and returns the bytes per second.
double WriteRate(const std::string& dir, uint64_t size_bytes);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_PLAIN_DISK_H_
