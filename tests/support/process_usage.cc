#include "tests/support/process_usage.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace freshet {
namespace {

// The number after `key` in /proc/PID/status.
uint64_t StatusNumber(pid_t process, const std::string& key) {
  std::ifstream lines("/proc/" + std::to_string(process) + "/status");
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1));
  }
  return 0;
}

double ClockSeconds(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

double CpuSeconds(pid_t process) {
  clockid_t clock{};
  return clock_getcpuclockid(process, &clock) == 0 ? ClockSeconds(clock) : 0;
}

double ThreadCpuSeconds() { return ClockSeconds(CLOCK_THREAD_CPUTIME_ID); }

uint64_t MemoryBytes(pid_t process) { return StatusNumber(process, "VmRSS") * 1024; }

uint64_t PeakMemoryBytes(pid_t process) { return StatusNumber(process, "VmHWM") * 1024; }

uint64_t ThreadCount(pid_t process) { return StatusNumber(process, "Threads"); }

uint64_t DescriptorCount(pid_t process) {
  std::error_code ignored;
  const std::string folder = "/proc/" + std::to_string(process) + "/fd";
  return static_cast<uint64_t>(
      std::distance(std::filesystem::directory_iterator(folder, ignored), {}));
}

}  // namespace freshet
