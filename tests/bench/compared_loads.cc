#include "tests/bench/compared_loads.h"

#include <cstddef>

#include "tests/bench/plain_disk.h"

namespace freshet {

void Repetitions::Add(const LoadRates& rates) {
  examples_per_s.push_back(rates.examples_per_s);
  server_cpu_s.push_back(rates.server_cpu_s);
  client_cpu_s.push_back(rates.client_cpu_s);
  ack_p50_ms.push_back(Quantile(rates.ack_ms, 0.5));
  ack_p99_ms.push_back(Quantile(rates.ack_ms, 0.99));
  ack_p999_ms.push_back(Quantile(rates.ack_ms, 0.999));
}

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

void ReportAckLatencies(const std::string& name, const Repetitions& measured,
                        const Repetitions& floor, BenchReport& report) {
  report.Add(name + "/ack_p50", "ms", measured.ack_p50_ms, floor.ack_p50_ms);
  report.Add(name + "/ack_p99", "ms", measured.ack_p99_ms, floor.ack_p99_ms);
  report.Add(name + "/ack_p999", "ms", measured.ack_p999_ms, floor.ack_p999_ms);
}

void ReportRates(const std::string& name, const Repetitions& measured, const Repetitions& floor,
                 BenchReport& report) {
  report.Add(name, "examples/s", measured.examples_per_s, floor.examples_per_s);
  report.Add(name + "/server_cpu", "s/M examples", measured.server_cpu_s, floor.server_cpu_s);
  report.Add(name + "/client_cpu", "s/M examples", measured.client_cpu_s, floor.client_cpu_s);
}

void ReportLoad(const std::string& name, const Repetitions& measured, const Repetitions& floor,
                BenchReport& report) {
  ReportRates(name, measured, floor, report);
  ReportAckLatencies(name, measured, floor, report);
}

}  // namespace freshet
