#include "tests/bench/machine_facts.h"

#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include "client/command/text.h"
#include "core/base/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/plain_disk.h"

namespace freshet {
namespace {

// The text after `key` and its colon in a file in /proc; empty if the key is not there.
std::string KernelText(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(key)) continue;
    return line.substr(line.find_first_not_of(" \t", line.find(':') + 1));
  }
  return "";
}

uint64_t MemoryInfoBytes(const std::string& key) {
  const std::string text = KernelText("/proc/meminfo", key);
  return text.empty() ? 0 : std::stoull(text) * 1024;
}

}  // namespace

Facts MachineFacts(const std::string& dir) {
  constexpr int kSyncs = 30;
  utsname system{};
  uname(&system);
  return {
      {"processor", KernelText("/proc/cpuinfo", "model name")},
      {"cores", StrCat(std::thread::hardware_concurrency())},
      {"memory", ShortBytes(static_cast<double>(MemoryInfoBytes("MemTotal")))},
      {"kernel", system.release},
      {"compiler", "g++ " __VERSION__},
      {"grpc", grpc::Version()},
      {"fdatasync", Decimals(Median(SyncLatenciesMs(dir, kSyncs)), 2) + " ms"},
  };
}

uint64_t AvailableMemoryBytes() { return MemoryInfoBytes("MemAvailable"); }

}  // namespace freshet
