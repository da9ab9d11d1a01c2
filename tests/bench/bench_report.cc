#include "tests/bench/bench_report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>

#include "client/command/text.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/grpcpp.h"

namespace freshet {
namespace {

// Of the processor, as the kernel names it.
std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

std::string MachineJson() {
  utsname system{};
  uname(&system);
  double load = 0;
  getloadavg(&load, 1);
  return JsonObject()
      .Add("processor", ProcessorName())
      .Add("cores", uint64_t{std::thread::hardware_concurrency()})
      .Add("kernel", system.release)
      .Add("grpc", grpc::Version())
      .Add("load_average", std::optional<double>(load))
      .ToString();
}

// A number with four digits that count.
std::string ShortNumber(double value) {
  if (value >= 1000) return GroupedCount(static_cast<uint64_t>(value + 0.5));
  return Decimals(value, value >= 100 ? 1 : value >= 10 ? 2 : 3);
}

}  // namespace

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto index = static_cast<size_t>(q * static_cast<double>(values.size()));
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::min(index, values.size() - 1));
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

double Median(std::vector<double> values) {
  const double upper = Quantile(values, 0.5);
  if (values.size() % 2 != 0 || values.empty()) return upper;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  return (*std::max_element(values.begin(), middle) + upper) / 2;
}

std::vector<double> Ratios(const std::vector<double>& values, const std::vector<double>& floors) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(values.size(), floors.size()); ++i) {
    ratios.push_back(values[i] / floors[i]);
  }
  return ratios;
}

void BenchReport::Add(const std::string& name, const std::string& unit,
                      const std::vector<double>& values, const std::vector<double>& floors) {
  const double value = Median(values);
  const double min = values.empty() ? 0 : *std::min_element(values.begin(), values.end());
  const double max = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  std::optional<double> floor;
  std::optional<double> ratio;
  if (!floors.empty()) floor = Median(floors);
  if (floor.has_value() && *floor > 0) ratio = value / *floor;
  results_.push_back(JsonObject()
                         .Add("name", name)
                         .Add("value", std::optional<double>(value))
                         .Add("unit", unit)
                         .Add("floor", floor)
                         .Add("ratio", ratio)
                         .Add("min", std::optional<double>(min))
                         .Add("max", std::optional<double>(max))
                         .ToString());
  std::printf("%-44s %11s %-15s", name.c_str(), ShortNumber(value).c_str(), unit.c_str());
  if (floor.has_value()) {
    std::printf(" floor %11s ratio %6s", ShortNumber(*floor).c_str(), Decimals(ratio, 3).c_str());
  } else {
    std::printf(" %31s", "");
  }
  std::printf("  [%s, %s]\n", ShortNumber(min).c_str(), ShortNumber(max).c_str());
  std::fflush(stdout);
}

bool BenchReport::AddGoogleBenchmarks(const std::string& prefix, const std::string& json) {
  google::protobuf::Struct file;
  if (!google::protobuf::util::JsonStringToMessage(json, &file).ok()) return false;
  const auto benchmarks = file.fields().find("benchmarks");
  if (benchmarks == file.fields().end()) return false;
  for (const google::protobuf::Value& entry : benchmarks->second.list_value().values()) {
    const auto& fields = entry.struct_value().fields();
    // What is processed a second where the benchmark counts it, else the time.
    std::string key = "real_time";
    std::string unit = fields.contains("time_unit") ? fields.at("time_unit").string_value() : "";
    if (fields.contains("items_per_second")) {
      key = "items_per_second";
      unit = "items/s";
    } else if (fields.contains("bytes_per_second")) {
      key = "bytes_per_second";
      unit = "bytes/s";
    }
    if (!fields.contains("name") || !fields.contains(key)) continue;
    results_.push_back(JsonObject()
                           .Add("name", prefix + "/" + fields.at("name").string_value())
                           .Add("value", std::optional<double>(fields.at(key).number_value()))
                           .Add("unit", unit)
                           .ToString());
  }
  return true;
}

std::string BenchReport::ToJson() const {
  std::string json = "{\"machine\":" + MachineJson() + ",\"results\":[";
  for (size_t i = 0; i < results_.size(); ++i) json += (i == 0 ? "\n" : ",\n") + results_[i];
  return json + "\n]}\n";
}

}  // namespace freshet
