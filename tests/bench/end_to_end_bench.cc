#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/compared_loads.h"
#include "tests/bench/learn_load.h"
#include "tests/bench/lone_learner.h"
#include "tests/bench/plain_disk.h"
#include "tests/support/process_usage.h"

namespace freshet {
namespace {

struct Durabilities {
  std::string name;
  v1::Durability durability;
};

const std::vector<Durabilities>& AllDurabilities() {
  static const auto* const kAll = new std::vector<Durabilities>{
      {"fsync", v1::DURABILITY_FSYNC}, {"none", v1::DURABILITY_NONE}, {"os", v1::DURABILITY_OS}};
  return *kAll;
}

// How many readable examples a producer may have in flight. They are slow, so the usual window
// would take long to drain.
constexpr size_t kReadableWindowExamples = 8'192;

void ReportShape(const std::string& shape, const std::map<std::string, Repetitions>& results,
                 BenchReport& report) {
  for (const auto& [way, measured] : results) {
    if (way.starts_with("wire/")) ReportLoad(StrCat(way, "/", shape), measured, {}, report);
  }
  report.Add("learner/" + shape, "examples/s", results.at("learner").examples_per_s);
  for (const auto& [way, measured] : results) {
    if (way.starts_with("wire/") || way == "learner") continue;
    const bool readable = way.starts_with("readable/");
    ReportLoad(StrCat("end_to_end/", way, "/", shape), measured,
               results.at(readable ? "wire/readable" : "wire/packed"), report);
  }
  report.Add(
      "end_to_end/fsync_of_none/" + shape, "ratio",
      Ratios(results.at("packed/fsync").examples_per_s, results.at("packed/none").examples_per_s));
}

// Creates a model that has seen every feature, so that the first touch of its memory is not
// measured.
void CreateUsedModel(const BenchServer& server, const std::string& model, v1::Durability durability,
                     std::vector<v1::LearnRequest>& requests) {
  server.CreateModel(model, durability);
  uint64_t examples = 0;
  for (const v1::LearnRequest& request : requests) examples += RowCount(request);
  PushExamples(StartRawLoad(server.address(), model, 1, requests), examples);
}

// Measures all ways of pushing in one shape at full load: packed and readable examples over bare
// gRPC, and `pusher`, example by example through the client library.
void BenchShape(const BenchOptions& options, const PushShape& shape, BenchReport& report) {
  const std::unique_ptr<ServerProcess> bare = StartBareServer();
  const BenchServer server(options.dir);
  std::vector<v1::LearnRequest> packed = MakeLearnRequests(shape.batch_examples);
  std::vector<v1::LearnRequest> readable = MakeReadableRequests(shape.batch_examples);
  LoneLearner learner(packed);
  std::vector<Way> ways;
  const auto add = [&](const std::string& name, pid_t pid, auto start) {
    ways.push_back({name, [&options, pid, start] {
                      return MeasureLoad(start(), pid, options.warm_up_s, options.measure_s);
                    }});
  };
  const auto add_raw = [&](const std::string& name, pid_t pid, const std::string& address,
                           std::vector<v1::LearnRequest>& requests, size_t window_examples) {
    add(name, pid, [&requests, shape, name, address, window_examples] {
      std::string model = name;
      std::replace(model.begin(), model.end(), '/', '-');
      return StartRawLoad(address, model, shape.producers, requests, window_examples);
    });
  };
  for (const auto& [name, durability] : AllDurabilities()) {
    CreateUsedModel(server, "packed-" + name, durability, packed);
    add_raw("packed/" + name, server.pid(), server.address(), packed, kWindowExamples);
    if (name != "fsync" && !options.all_durabilities) continue;
    CreateUsedModel(server, "readable-" + name, durability, readable);
    add_raw("readable/" + name, server.pid(), server.address(), readable, kReadableWindowExamples);
    CreateUsedModel(server, "pusher-" + name, durability, packed);
    add("pusher/" + name, server.pid(), [&server, &shape, model = "pusher-" + name] {
      return StartPusherLoad(server.address(), model, shape.producers, shape.batch_examples);
    });
  }
  add_raw("wire/packed", bare->pid(), bare->address(), packed, kWindowExamples);
  add_raw("wire/readable", bare->pid(), bare->address(), readable, kReadableWindowExamples);
  ways.push_back(
      {"learner", [&] { return LoadRates{.examples_per_s = learner.Measure(options.measure_s)}; }});
  const std::string name = StrCat(shape.batch_examples, "/", shape.producers);
  ReportShape(name, MeasureInterleaved(options, ways), report);
  report.Add(StrCat("end_to_end/server_peak_memory/", name), "MB",
             {static_cast<double>(PeakMemoryBytes(server.pid())) / 1e6});
}

// Measures one batch in flight at a time, beside the latency of the disk alone.
void BenchOneAtATime(const BenchOptions& options, BenchReport& report) {
  constexpr int kBatchExamples = 512;
  const std::unique_ptr<ServerProcess> bare = StartBareServer();
  const BenchServer server(options.dir);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(kBatchExamples);
  const auto measure = [&](const std::string& address, pid_t pid, const std::string& model) {
    return MeasureLoad(StartRawLoad(address, model, 1, requests, kBatchExamples), pid,
                       options.warm_up_s, options.measure_s);
  };
  std::vector<double> disk_p50_ms;
  std::vector<double> disk_p99_ms;
  std::vector<Way> ways = {{"wire", [&] { return measure(bare->address(), bare->pid(), "bare"); }}};
  for (const auto& [name, durability] : AllDurabilities()) {
    CreateUsedModel(server, name, durability, requests);
    ways.push_back(
        {name, [&, model = name] { return measure(server.address(), server.pid(), model); }});
  }
  ways.push_back({"disk", [&] {
                    const std::vector<double> ms =
                        SyncLatenciesMs(server.data_dir(), options.sync_count);
                    disk_p50_ms.push_back(Quantile(ms, 0.5));
                    disk_p99_ms.push_back(Quantile(ms, 0.99));
                    return LoadRates{};
                  }});
  const auto results = MeasureInterleaved(options, ways);
  report.Add("disk/append_128kB_fdatasync/p50", "ms", disk_p50_ms);
  report.Add("disk/append_128kB_fdatasync/p99", "ms", disk_p99_ms);
  for (const auto& [name, durability] : AllDurabilities()) {
    ReportAckLatencies("end_to_end/one_at_a_time/" + name, results.at(name), results.at("wire"),
                       report);
  }
}

}  // namespace

void BenchEndToEnd(const BenchOptions& options, BenchReport& report) {
  for (const PushShape& shape : options.push_shapes) BenchShape(options, shape, report);
  BenchOneAtATime(options, report);
}

}  // namespace freshet
