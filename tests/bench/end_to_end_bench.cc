#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/e2e_benchmarks.h"
#include "tests/bench/learn_load.h"
#include "tests/bench/lone_learner.h"
#include "tests/bench/plain_disk.h"
#include "tests/bench/process_usage.h"

namespace freshet {
namespace {

struct Durabilities {
  std::string name;
  v1::Durability durability;
};

const std::vector<Durabilities>& AllDurabilities() {
  static const auto* const all = new std::vector<Durabilities>{
      {"fsync", v1::DURABILITY_FSYNC}, {"none", v1::DURABILITY_NONE}, {"os", v1::DURABILITY_OS}};
  return *all;
}

// One number a repetition for each quantity.
struct Repetitions {
  std::vector<double> examples_per_s;
  std::vector<double> server_cpu_s;
  std::vector<double> client_cpu_s;
  std::vector<double> ack_p50_ms;
  std::vector<double> ack_p99_ms;
  std::vector<double> ack_p999_ms;

  void Add(const LoadRates& rates) {
    examples_per_s.push_back(rates.examples_per_s);
    server_cpu_s.push_back(rates.server_cpu_s);
    client_cpu_s.push_back(rates.client_cpu_s);
    ack_p50_ms.push_back(Quantile(rates.ack_ms, 0.5));
    ack_p99_ms.push_back(Quantile(rates.ack_ms, 0.99));
    ack_p999_ms.push_back(Quantile(rates.ack_ms, 0.999));
  }
};

// One way to push that is measured beside the others.
struct Way {
  std::string name;
  std::function<LoadRates()> measure;
};

// Measures each way once in each repetition, forwards and backwards in turn, so that none always
// comes after the same other.
std::map<std::string, Repetitions> MeasureInterleaved(const BenchOptions& options,
                                                      const std::vector<Way>& ways) {
  std::map<std::string, Repetitions> results;
  for (int i = 0; i < options.repetitions; ++i) {
    for (size_t k = 0; k < ways.size(); ++k) {
      const Way& way = ways[i % 2 == 0 ? k : ways.size() - 1 - k];
      SettleDisk(options.dir);
      results[way.name].Add(way.measure());
    }
  }
  return results;
}

void ReportLatencies(const std::string& name, const Repetitions& measured, const Repetitions& floor,
                     BenchReport& report) {
  report.Add(name + "/ack_p50", "ms", measured.ack_p50_ms, floor.ack_p50_ms);
  report.Add(name + "/ack_p99", "ms", measured.ack_p99_ms, floor.ack_p99_ms);
  report.Add(name + "/ack_p999", "ms", measured.ack_p999_ms, floor.ack_p999_ms);
}

void ReportShape(const std::string& shape, const std::map<std::string, Repetitions>& results,
                 BenchReport& report) {
  const Repetitions& wire = results.at("wire");
  report.Add("wire/" + shape, "examples/s", wire.examples_per_s);
  report.Add("wire/" + shape + "/server_cpu", "s/M examples", wire.server_cpu_s);
  report.Add("wire/" + shape + "/client_cpu", "s/M examples", wire.client_cpu_s);
  report.Add("learner/" + shape, "examples/s", results.at("learner").examples_per_s);
  for (const auto& [way, measured] : results) {
    if (way == "wire" || way == "learner") continue;
    const std::string name = StrCat("end_to_end/", way, "/", shape);
    report.Add(name, "examples/s", measured.examples_per_s, wire.examples_per_s);
    report.Add(name + "/server_cpu", "s/M examples", measured.server_cpu_s, wire.server_cpu_s);
    report.Add(name + "/client_cpu", "s/M examples", measured.client_cpu_s, wire.client_cpu_s);
    if (way.starts_with("raw/")) ReportLatencies(name, measured, wire, report);
  }
  report.Add("end_to_end/fsync_of_none/" + shape, "ratio",
             Ratios(results.at("raw/fsync").examples_per_s, results.at("raw/none").examples_per_s));
}

// A model that has seen every feature, so that the first touch of its memory is not measured.
void CreateUsedModel(const BenchServer& server, const std::string& model, v1::Durability durability,
                     std::vector<v1::LearnRequest>& requests) {
  server.CreateModel(model, durability);
  uint64_t examples = 0;
  for (const v1::LearnRequest& request : requests) {
    examples += static_cast<uint64_t>(request.packed().labels_size());
  }
  PushExamples(StartRawLoad(server.address(), model, 1, requests), examples);
}

// At full load, all ways of pushing in one shape.
void BenchShape(const BenchOptions& options, const PushShape& shape, BenchReport& report) {
  const std::unique_ptr<ServerProcess> bare = StartBareServer();
  const BenchServer server(options.dir);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(shape.batch_examples);
  const auto measure = [&](std::unique_ptr<LearnLoad> load, pid_t pid) {
    return MeasureLoad(std::move(load), pid, options.warm_up_s, options.measure_s);
  };
  std::vector<Way> ways;
  for (const auto& [name, durability] : AllDurabilities()) {
    CreateUsedModel(server, "raw-" + name, durability, requests);
    ways.push_back({"raw/" + name, [&, model = "raw-" + name] {
                      return measure(
                          StartRawLoad(server.address(), model, shape.producers, requests),
                          server.pid());
                    }});
  }
  ways.push_back({"wire", [&] {
                    return measure(StartRawLoad(bare->address(), "bare", shape.producers, requests),
                                   bare->pid());
                  }});
  LoneLearner learner(requests);
  ways.push_back(
      {"learner", [&] { return LoadRates{.examples_per_s = learner.Measure(options.measure_s)}; }});
  CreateUsedModel(server, "pusher-fsync", v1::DURABILITY_FSYNC, requests);
  ways.push_back({"pusher/fsync", [&] {
                    return measure(StartPusherLoad(server.address(), "pusher-fsync",
                                                   shape.producers, shape.batch_examples),
                                   server.pid());
                  }});
  const std::string name = StrCat(shape.batch_examples, "/", shape.producers);
  ReportShape(name, MeasureInterleaved(options, ways), report);
  report.Add(StrCat("end_to_end/", name, "/server_peak_memory"), "MB",
             {static_cast<double>(PeakMemoryBytes(server.pid())) / 1e6});
}

// With one batch under way at a time, beside the disk's own latency.
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
    ReportLatencies("end_to_end/one_at_a_time/" + name, results.at(name), results.at("wire"),
                    report);
  }
}

}  // namespace

void BenchEndToEnd(const BenchOptions& options, BenchReport& report) {
  for (const PushShape& shape : options.push_shapes) BenchShape(options, shape, report);
  BenchOneAtATime(options, report);
}

}  // namespace freshet
