#include "server/http/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "server/http/metric_family.h"

namespace freshet {
namespace {

using prometheus::MetricType;

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Memory {
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

std::optional<Memory> ReadMemory() {
  std::ifstream file("/proc/self/statm");
  Memory pages;
  if (!(file >> pages.virtual_bytes >> pages.resident_bytes)) return std::nullopt;
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  return Memory{pages.virtual_bytes * page_bytes, pages.resident_bytes * page_bytes};
}

// The time of the last boot, in seconds since 1970.
std::optional<double> BootTime() {
  std::ifstream file("/proc/stat");
  std::string key;
  while (file >> key) {
    double value = 0;
    if (key == "btime" && file >> value) return value;
    std::getline(file, key);
  }
  return std::nullopt;
}

// When the process started, in seconds since 1970.
std::optional<double> ReadStartTime() {
  std::ifstream file("/proc/self/stat");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const size_t name_end = text.rfind(')');  // The second field, in parentheses, may hold any
                                            // characters.
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks_since_boot = 0;
  const std::optional<double> boot = BootTime();
  if (!(fields >> ticks_since_boot) || !boot) return std::nullopt;
  return *boot + ticks_since_boot / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::optional<double> CountOpenFds() {
  std::error_code error;
  const std::filesystem::directory_iterator fds("/proc/self/fd", error);
  if (error) return std::nullopt;
  return static_cast<double>(std::distance(begin(fds), end(fds)) - 1);  // Without the one that
                                                                        // reads /proc.
}

std::optional<double> MaxFds() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

void AddProcessMetrics(std::vector<prometheus::MetricFamily>& page) {
  const auto add = [&](const char* name, MetricType type, const char* help,
                       std::optional<double> value) {
    prometheus::MetricFamily family = MakeFamily(name, type, help);
    if (value) AddValue(family, {}, *value);
    AddFamily(page, std::move(family));
  };
  add("process_cpu_seconds_total", MetricType::Counter, "User and system CPU time, in seconds.",
      CpuSeconds());
  const std::optional<Memory> memory = ReadMemory();
  add("process_resident_memory_bytes", MetricType::Gauge, "Memory in RAM, in bytes.",
      memory ? std::optional(memory->resident_bytes) : std::nullopt);
  add("process_virtual_memory_bytes", MetricType::Gauge, "Address space, in bytes.",
      memory ? std::optional(memory->virtual_bytes) : std::nullopt);
  add("process_start_time_seconds", MetricType::Gauge,
      "When the process started, in seconds since 1970.", ReadStartTime());
  add("process_open_fds", MetricType::Gauge, "Number of open file descriptors.", CountOpenFds());
  add("process_max_fds", MetricType::Gauge, "The limit of open file descriptors.", MaxFds());
}

}  // namespace freshet
