#include "tests/bench/bench_report.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include "client/command/text.h"
#include "core/base/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace freshet {
namespace {

double Min(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::min_element(values.begin(), values.end());
}

double Max(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

void Print(const BenchResult& result) {
  std::printf("%-48s %11s %-15s [%s, %s]", result.name.c_str(), ShortNumber(result.value).c_str(),
              result.unit.c_str(), ShortNumber(result.min).c_str(),
              ShortNumber(result.max).c_str());
  if (result.ratio.has_value()) {
    std::printf("  floor %s  ratio %s [%s, %s]", ShortNumber(*result.floor).c_str(),
                Decimals(result.ratio, 3).c_str(), Decimals(result.ratio_min, 3).c_str(),
                Decimals(result.ratio_max, 3).c_str());
  }
  std::printf("\n");
  std::fflush(stdout);
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
    if (floors[i] > 0) ratios.push_back(values[i] / floors[i]);
  }
  return ratios;
}

BenchReport::BenchReport(Facts machine) {
  results_.machine = std::move(machine);
  for (const auto& [name, value] : results_.machine) {
    std::printf("%s: %s\n", name.c_str(), value.c_str());
  }
}

void BenchReport::Add(const std::string& name, const std::string& unit,
                      const std::vector<double>& values, const std::vector<double>& floors) {
  BenchResult result;
  result.name = name;
  result.unit = unit;
  result.value = Median(values);
  result.min = Min(values);
  result.max = Max(values);
  if (const double floor = Median(floors); floor > 0) {  // If it is 0, nothing was measured.
    const std::vector<double> ratios = Ratios(values, floors);
    result.floor = floor;
    result.ratio = result.value / floor;
    result.ratio_min = Min(ratios);
    result.ratio_max = Max(ratios);
  }
  Print(result);
  results_.results.push_back(result);
}

void BenchReport::Skip(const std::string& name, const std::string& reason) {
  std::printf("%-48s skipped: %s\n", name.c_str(), reason.c_str());
  results_.skipped.push_back({name, reason});
}

bool BenchReport::AddGoogleBenchmarks(const std::string& prefix, const std::string& json) {
  google::protobuf::Struct file;
  if (!google::protobuf::util::JsonStringToMessage(json, &file).ok()) return false;
  const auto benchmarks = file.fields().find("benchmarks");
  if (benchmarks == file.fields().end()) return false;
  std::map<std::pair<std::string, std::string>, std::vector<double>> repetitions;
  for (const google::protobuf::Value& entry : benchmarks->second.list_value().values()) {
    const auto& fields = entry.struct_value().fields();
    if (fields.contains("run_type") && fields.at("run_type").string_value() != "iteration") {
      continue;  // A mean or a deviation over other entries.
    }
    // The rate if the benchmark counts items or bytes, else the time.
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
    const std::string name = StrCat(prefix, "/", fields.at("name").string_value());
    repetitions[{name, unit}].push_back(fields.at(key).number_value());
  }
  for (const auto& [result, values] : repetitions) Add(result.first, result.second, values);
  return true;
}

}  // namespace freshet
