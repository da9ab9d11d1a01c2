#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "client/command/example_reader.h"
#include "core/base/str_cat.h"
#include "core/feature/example_batch.h"
#include "core/feature/new_names.h"
#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/plain_disk.h"
#include "tests/bench/text_rows.h"
#include "tests/bench/timed_latency.h"
#include "tests/support/process_usage.h"

namespace freshet {
namespace {

constexpr size_t kBatchRows = 512;

// The floor: reads the file and returns the number of line ends in it.
size_t CountLines(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY);
  if (fd < 0) FailBench(StrCat("cannot read ", path));
  std::vector<char> buffer(1 << 18);
  size_t lines = 0;
  while (true) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size <= 0) break;
    const char* at = buffer.data();
    const char* const end = at + size;
    while ((at = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)))) !=
           nullptr) {
      ++lines;
      ++at;
    }
  }
  close(fd);
  return lines;
}

// Does what `freshet push` does with a file before it sends anything.
void ParseFile(const TextKind& kind, const std::string& path) {
  const std::atomic<bool> stop{false};
  InputOptions options;
  options.files = {path};
  options.format = kind.format;
  options.binary_labels = true;
  ExampleReader reader(options, &stop);
  NewNames names;
  ExampleBatchBuilder batch;
  batch.KeepNames(&names);
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(batch);
    if (!more.ok()) FailBench(more.status().ToString());
    if (!*more) return;
    if (batch.row_count() == kBatchRows) batch.Clear();
  }
}

// The CPU time of all child processes that have ended and been waited for.
double EndedCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One number per repetition.
struct PushRates {
  std::vector<double> rows_per_s;
  std::vector<double> server_cpu_s;  // Seconds per million rows.
  std::vector<double> client_cpu_s;  // Seconds per million rows.
};

// Measures the whole run of the command, from start to end.
void PushFile(const BenchServer& server, const std::string& model, const TextKind& kind, int rows,
              const std::string& path, PushRates& rates) {
  const double server_before = CpuSeconds(server.pid());
  const double client_before = EndedCpuSeconds();
  const BenchClock::time_point begin = BenchClock::now();
  const CommandResult pushed =
      RunCommand({BinaryDir() + "/freshet", "--server", server.address(), "push", model, path,
                  "--format", kind.format, "--progress", "none", "--json"});
  const double elapsed_s = Seconds(BenchClock::now() - begin);
  if (pushed.code != 0 || pushed.out.find(StrCat("\"acknowledged\":", rows)) == std::string::npos) {
    FailBench(StrCat("freshet push did not learn ", rows, " rows: ", pushed.err, pushed.out));
  }
  rates.rows_per_s.push_back(rows / elapsed_s);
  rates.server_cpu_s.push_back((CpuSeconds(server.pid()) - server_before) / rows * 1e6);
  rates.client_cpu_s.push_back((EndedCpuSeconds() - client_before) / rows * 1e6);
}

double RowsPerSecond(int rows, const std::function<void()>& work) {
  const BenchClock::time_point begin = BenchClock::now();
  work();
  return rows / Seconds(BenchClock::now() - begin);
}

void AddPush(const std::string& name, const PushRates& rates, const std::vector<double>& floors,
             BenchReport& report) {
  report.Add(name, "rows/s", rates.rows_per_s, floors);
  report.Add(name + "/server_cpu", "s/M rows", rates.server_cpu_s);
  report.Add(name + "/client_cpu", "s/M rows", rates.client_cpu_s);
}

void BenchFile(const BenchOptions& options, const TextKind& kind, BenchReport& report) {
  const std::string name = StrCat("files/", kind.name);
  const bool with_auto = kind.name == "vw";
  const int rows = kind.name == "vw" ? options.file_rows : options.other_file_rows;
  const BenchServer server(options.dir);
  const std::string path = server.data_dir() + "/rows";
  const uint64_t size_bytes = WriteTextFile(kind, rows, path);
  server.CreateModel("adagrad", v1::DURABILITY_FSYNC);
  server.CreateAutoModel("auto", v1::DURABILITY_FSYNC);
  PushRates adagrad;
  PushRates automatic;
  PushFile(server, "adagrad", kind, rows, path, adagrad);  // Not measured: it touches memory first.
  if (with_auto) PushFile(server, "auto", kind, rows, path, automatic);
  adagrad = automatic = {};
  std::vector<double> line_rates;
  std::vector<double> parse_rates;
  for (int i = 0; i < options.repetitions; ++i) {
    SettleDisk(options.dir);
    line_rates.push_back(RowsPerSecond(rows, [&] { CountLines(path); }));
    parse_rates.push_back(RowsPerSecond(rows, [&] { ParseFile(kind, path); }));
    PushFile(server, "adagrad", kind, rows, path, adagrad);
    if (with_auto) PushFile(server, "auto", kind, rows, path, automatic);
  }
  report.Add(name + "/row_size", "bytes", {static_cast<double>(size_bytes) / rows});
  report.Add(name + "/parse", "rows/s", parse_rates, line_rates);
  AddPush(name + "/push", adagrad, line_rates, report);
  if (with_auto) AddPush(name + "/push_auto", automatic, line_rates, report);
}

}  // namespace

void BenchFiles(const BenchOptions& options, BenchReport& report) {
  for (const TextKind& kind : TextKinds()) {
    const bool in_form = std::find(options.file_formats.begin(), options.file_formats.end(),
                                   kind.name) != options.file_formats.end();
    if (in_form && options.Chosen("files/" + kind.name)) BenchFile(options, kind, report);
  }
}

}  // namespace freshet
