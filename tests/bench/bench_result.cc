#include "tests/bench/bench_result.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "client/command/text.h"
#include "core/base/json_object.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace freshet {
namespace {

using Fields = google::protobuf::Map<std::string, google::protobuf::Value>;

std::string ResultJson(const BenchResult& result) {
  using Number = std::optional<double>;
  return JsonObject()
      .Add("name", result.name)
      .Add("value", Number(result.value))
      .Add("unit", result.unit)
      .Add("floor", result.floor)
      .Add("ratio", result.ratio)
      .Add("min", Number(result.min))
      .Add("max", Number(result.max))
      .Add("ratio_min", result.ratio_min)
      .Add("ratio_max", result.ratio_max)
      .ToString();
}

std::string ListJson(const std::string& key, const std::vector<std::string>& objects) {
  std::string json = "\"" + key + "\":[";
  for (size_t i = 0; i < objects.size(); ++i) json += (i == 0 ? "\n" : ",\n") + objects[i];
  return json + "]";
}

std::optional<double> NumberAt(const Fields& fields, const std::string& key) {
  const auto found = fields.find(key);
  if (found == fields.end() || !found->second.has_number_value()) return std::nullopt;
  return found->second.number_value();
}

std::string TextAt(const Fields& fields, const std::string& key) {
  const auto found = fields.find(key);
  return found == fields.end() ? "" : found->second.string_value();
}

BenchResult ReadResult(const Fields& fields) {
  BenchResult result;
  result.name = TextAt(fields, "name");
  result.unit = TextAt(fields, "unit");
  result.value = NumberAt(fields, "value").value_or(0);
  result.min = NumberAt(fields, "min").value_or(result.value);
  result.max = NumberAt(fields, "max").value_or(result.value);
  result.floor = NumberAt(fields, "floor");
  result.ratio = NumberAt(fields, "ratio");
  result.ratio_min = NumberAt(fields, "ratio_min");
  result.ratio_max = NumberAt(fields, "ratio_max");
  return result;
}

}  // namespace

std::string BenchResults::ToJson() const {
  JsonObject facts;
  for (const auto& [name, value] : machine) facts.Add(name, value);
  std::vector<std::string> measured;
  for (const BenchResult& result : results) measured.push_back(ResultJson(result));
  std::vector<std::string> left_out;
  for (const auto& [name, reason] : skipped) {
    left_out.push_back(JsonObject().Add("name", name).Add("reason", reason).ToString());
  }
  return "{\"machine\":" + facts.ToString() + ",\n" + ListJson("results", measured) + ",\n" +
         ListJson("skipped", left_out) + "}\n";
}

std::optional<BenchResults> BenchResults::FromJson(const std::string& json) {
  google::protobuf::Struct file;
  if (!google::protobuf::util::JsonStringToMessage(json, &file).ok()) return std::nullopt;
  const auto list = file.fields().find("results");
  if (list == file.fields().end()) return std::nullopt;
  BenchResults read;
  for (const auto& entry : list->second.list_value().values()) {
    read.results.push_back(ReadResult(entry.struct_value().fields()));
  }
  if (const auto machine = file.fields().find("machine"); machine != file.fields().end()) {
    for (const auto& [name, value] : machine->second.struct_value().fields()) {
      read.machine.emplace_back(name, value.string_value());
    }
  }
  if (const auto skipped = file.fields().find("skipped"); skipped != file.fields().end()) {
    for (const auto& entry : skipped->second.list_value().values()) {
      const Fields& fields = entry.struct_value().fields();
      read.skipped.push_back({TextAt(fields, "name"), TextAt(fields, "reason")});
    }
  }
  return read;
}

std::string ShortNumber(double value) {
  if (std::fabs(value) >= 1000) {
    return (value < 0 ? "-" : "") +
           GroupedCount(static_cast<uint64_t>(std::llround(std::fabs(value))));
  }
  return Decimals(value, std::fabs(value) >= 100 ? 1 : std::fabs(value) >= 10 ? 2 : 3);
}

}  // namespace freshet
