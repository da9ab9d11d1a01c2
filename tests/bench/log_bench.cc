// What the log costs compared with plain writes and reads of the same bytes in the same run.
//
// cpu_ns_per_byte is the process's CPU time, user and system; bytes/s uses wall time.
// FRESHET_BENCH_DIR chooses the disk; the default is the current folder.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

// About the size of a packed batch of 256 rows with 30 features, as a stream delivers it.
constexpr size_t kRecordBytes = 32 << 10;
// Records that one sync makes durable: the size of a group at full load.
constexpr int kGroupRecords = 64;
constexpr int kReadRecords = 8192;

std::vector<std::byte> RecordContent() {
  std::vector<std::byte> content(kRecordBytes);
  uint32_t x = 1;
  for (std::byte& b : content) {
    x = x * 1664525 + 1013904223;
    b = static_cast<std::byte>(x >> 24);
  }
  return content;
}

// A folder on the disk to measure.
std::string BenchDir() {
  const char* dir = std::getenv("FRESHET_BENCH_DIR");
  return dir == nullptr ? "." : dir;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Report(benchmark::State& state, double cpu_seconds, double bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  state.counters["cpu_ns_per_byte"] = cpu_seconds * 1e9 / bytes;
}

// The floor: write(2) of the same bytes to one growing file. Argument 1 says whether each group is
// synced.
void BM_PlainWrite(benchmark::State& state) {
  const TemporaryFolder folder(BenchDir());
  const std::vector<std::byte> content = RecordContent();
  const int fd = open(StrCat(folder.path(), "/plain").c_str(), O_CREAT | O_WRONLY, 0600);
  const double cpu_before = CpuSeconds();
  while (state.KeepRunning()) {
    for (int i = 0; i < kGroupRecords; ++i) {
      if (write(fd, content.data(), content.size()) < 0) state.SkipWithError("write");
    }
    if (state.range(0) != 0 && fdatasync(fd) != 0) state.SkipWithError("fdatasync");
  }
  Report(state, CpuSeconds() - cpu_before,
         static_cast<double>(state.iterations()) * kGroupRecords * kRecordBytes);
  close(fd);
}

void BM_LogAppend(benchmark::State& state) {
  const TemporaryFolder folder(BenchDir());
  const std::vector<std::byte> content = RecordContent();
  const std::array<ByteSpan, 1> pieces = {ByteSpan(content)};
  const std::unique_ptr<Log> log =
      Log::Open(PosixFileSystem(), StrCat(folder.path(), "/log"), {}).value();
  const double cpu_before = CpuSeconds();
  while (state.KeepRunning()) {
    for (int i = 0; i < kGroupRecords; ++i) {
      if (!log->Append(RecordKind::kBatch, pieces).ok()) state.SkipWithError("append");
    }
    if (state.range(0) != 0 && !log->Sync().ok()) state.SkipWithError("sync");
  }
  Report(state, CpuSeconds() - cpu_before,
         static_cast<double>(state.iterations()) * kGroupRecords * kRecordBytes);
}

// The floor: read(2) of the same bytes from the page cache, in pieces of 1 MiB.
void BM_PlainRead(benchmark::State& state) {
  const TemporaryFolder folder(BenchDir());
  const std::vector<std::byte> content = RecordContent();
  const std::string path = StrCat(folder.path(), "/plain");
  const int out = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
  for (int i = 0; i < kReadRecords; ++i) {
    if (write(out, content.data(), content.size()) < 0) state.SkipWithError("write");
  }
  close(out);
  std::vector<std::byte> buffer(1 << 20);
  const double cpu_before = CpuSeconds();
  while (state.KeepRunning()) {
    const int fd = open(path.c_str(), O_RDONLY);
    while (read(fd, buffer.data(), buffer.size()) > 0) benchmark::DoNotOptimize(buffer.data());
    close(fd);
  }
  Report(state, CpuSeconds() - cpu_before,
         static_cast<double>(state.iterations()) * kReadRecords * kRecordBytes);
}

void BM_LogRead(benchmark::State& state) {
  const TemporaryFolder folder(BenchDir());
  const std::vector<std::byte> content = RecordContent();
  const std::array<ByteSpan, 1> pieces = {ByteSpan(content)};
  const std::unique_ptr<Log> log =
      Log::Open(PosixFileSystem(), StrCat(folder.path(), "/log"), {}).value();
  for (int i = 0; i < kReadRecords; ++i) log->Append(RecordKind::kBatch, pieces).value();
  const double cpu_before = CpuSeconds();
  while (state.KeepRunning()) {
    const std::unique_ptr<LogReader> reader = log->NewReader(0).value();
    while (true) {
      const absl::StatusOr<std::optional<LogRecord>> record = reader->Next();
      if (!record.ok()) state.SkipWithError("read");
      if (!record.ok() || !record->has_value()) break;
      benchmark::DoNotOptimize((*record)->payload.data());
    }
  }
  Report(state, CpuSeconds() - cpu_before,
         static_cast<double>(state.iterations()) * kReadRecords * kRecordBytes);
}

// The floor of a sync: one fdatasync after 4 KiB.
void BM_SyncLatency(benchmark::State& state) {
  const TemporaryFolder folder(BenchDir());
  const std::array<std::byte, 4096> block{};
  const int fd = open(StrCat(folder.path(), "/plain").c_str(), O_CREAT | O_WRONLY, 0600);
  while (state.KeepRunning()) {
    if (write(fd, block.data(), block.size()) < 0) state.SkipWithError("write");
    if (fdatasync(fd) != 0) state.SkipWithError("fdatasync");
  }
  close(fd);
}

BENCHMARK(BM_SyncLatency)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_PlainWrite)->ArgName("sync")->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(BM_LogAppend)->ArgName("sync")->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(BM_PlainRead)->UseRealTime();
BENCHMARK(BM_LogRead)->UseRealTime();

}  // namespace
}  // namespace freshet
