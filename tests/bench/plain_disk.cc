#include "tests/bench/plain_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/bench/bench_failure.h"
#include "tests/bench/timed_latency.h"

namespace freshet {
namespace {

constexpr size_t kAppendBytes = 128 << 10;

// An empty file without a name: it is unlinked while open.
class PlainFile {
 public:
  explicit PlainFile(const std::string& dir) {
    std::string pattern = dir + "/freshet-bench-disk-XXXXXX";
    fd_ = mkstemp(pattern.data());
    Check(fd_ >= 0);
    unlink(pattern.c_str());
  }
  ~PlainFile() { close(fd_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  void Append(const std::vector<char>& bytes) const {
    Check(write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void Sync() const { Check(fdatasync(fd_) == 0); }

 private:
  static void Check(bool good) {
    if (!good) FailBench(std::string("cannot write: ") + std::strerror(errno));
  }

  int fd_;
};

// Bytes that neither a disk nor a file system can compress.
std::vector<char> SomeBytes(size_t size) {
  std::vector<char> bytes(size);
  uint32_t x = 1;
  for (char& b : bytes) {
    x = x * 1664525 + 1013904223;
    b = static_cast<char>(x >> 24);
  }
  return bytes;
}

}  // namespace

void SettleDisk(const std::string& dir) {
  const int fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0 || syncfs(fd) != 0) FailBench("cannot sync " + dir);
  close(fd);
}

std::vector<double> SyncLatenciesMs(const std::string& dir, int count) {
  const std::vector<char> bytes = SomeBytes(kAppendBytes);
  PlainFile file(dir);
  std::vector<double> latencies;
  for (int i = 0; i < count; ++i) {
    const BenchClock::time_point begin = BenchClock::now();
    file.Append(bytes);
    file.Sync();
    latencies.push_back(Seconds(BenchClock::now() - begin) * 1e3);
  }
  return latencies;
}

double WriteRate(const std::string& dir, uint64_t size_bytes) {
  const std::vector<char> bytes = SomeBytes(1 << 20);
  PlainFile file(dir);
  const BenchClock::time_point begin = BenchClock::now();
  uint64_t written = 0;
  for (; written < size_bytes; written += bytes.size()) file.Append(bytes);
  file.Sync();
  return static_cast<double>(written) / Seconds(BenchClock::now() - begin);
}

}  // namespace freshet
