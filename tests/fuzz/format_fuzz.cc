// Feeds bytes to one input format, line by line, and checks what a parser guarantees: it never
// crashes; an error starts with a column within the line and adds nothing; every row is well formed
// and finite.
//
// Compiled once per format, which FRESHET_FUZZ_FORMAT names. The first byte of the input selects
// the options.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/format/row_format.h"
#include "tests/fuzz/require.h"

namespace freshet {
namespace {

// A mapping with a field of each role.
InputMapping MappingFor(uint8_t choice) {
  InputMapping mapping;
  mapping.fields = {
      {"y", FieldRole::kLabel},   {"o.n", FieldRole::kNumber},    {"c", FieldRole::kCategory, "x"},
      {"t", FieldRole::kTime},    {"s", FieldRole::kText},        {"k", FieldRole::kEventId},
      {"i", FieldRole::kIgnored}, {"o", FieldRole::kByType, "z"}, {"w", FieldRole::kWeight}};
  mapping.ignore_unlisted = (choice & 2) != 0;
  return mapping;
}

FormatOptions OptionsFor(std::string_view name, uint8_t choice) {
  FormatOptions options;
  options.labels_required = (choice & 1) != 0;
  if ((choice & 2) != 0) options.positive = ">=15";
  if ((choice & 4) != 0) options.positive = "=yes";
  const bool table = name == "csv" || name == "tsv";
  if (!table && name != "jsonl") return options;
  if ((choice & 8) != 0) options.numeric_fields = {"n", "o.n"};
  if ((choice & 16) != 0) options.time_features_field = "t";
  if ((choice & 32) != 0) {
    options.weight_field = "w";
    options.missing = std::vector<std::string>{"NA", "-999"};
    options.time_format = "%d.%m.%Y %H:%M";
  }
  if ((choice & 64) != 0) options.ignore_fields = {"i", "o.i"};
  // Alone, so that no option says otherwise.
  if ((choice & 0xf0) == 0x70) {
    options = {};
    options.labels_required = (choice & 1) != 0;
    options.mapping = MappingFor(choice);
    return options;
  }
  if (!table) return options;
  options.numeric_fields.resize(std::min<size_t>(options.numeric_fields.size(), 1));
  options.ignore_fields.resize(std::min<size_t>(options.ignore_fields.size(), 1));
  if ((choice & 128) != 0) {
    options.delimiter = "::";
    options.decimal_mark = DecimalMark::kComma;
    options.keep_blanks = true;
  }
  return options;
}

void CheckBatch(const ExampleBatchBuilder& builder) {
  const ExampleBatch batch = builder.View();
  Require(batch.labels.size() == batch.size(), "one label per row");
  Require(batch.segment_sizes.size() == batch.size() * builder.namespaces().size(),
          "one segment per namespace and row");
  size_t features = 0;
  for (const uint32_t size : batch.segment_sizes) features += size;
  Require(features == batch.feature_ids.size(), "segments hold all features");
  for (const float label : batch.labels) Require(std::isfinite(label), "finite labels");
  for (const float weight : batch.weights) {
    Require(std::isfinite(weight) && weight >= 0, "finite weights of at least 0");
  }
  for (const float value : batch.values) {
    Require(std::isfinite(value) && value != 0, "finite values other than 0");
  }
}

void Feed(std::string_view name, std::string_view data) {
  if (data.empty()) return;
  const std::unique_ptr<RowFormat> format =
      *MakeRowFormat(name, OptionsFor(name, static_cast<uint8_t>(data[0])));
  data.remove_prefix(1);
  ExampleBatchBuilder builder;
  format->BeginFile("fuzz");
  while (!data.empty()) {
    const size_t newline = std::min(data.find('\n'), data.size());
    // An exact-size copy on the heap, so that sanitizers detect a read past its end.
    const std::unique_ptr<char[]> line(new char[newline]);
    data.copy(line.get(), newline);
    const size_t rows = builder.row_count();
    const absl::StatusOr<bool> added =
        format->ParseLine(std::string_view(line.get(), newline), builder);
    if (!added.ok()) {
      Require(added.status().message().substr(0, 7) == "column ", "errors name a column");
    }
    Require(builder.row_count() == rows + (added.ok() && *added ? 1 : 0), "one row per success");
    data.remove_prefix(std::min(newline + 1, data.size()));
  }
  static_cast<void>(format->EndFile());
  CheckBatch(builder);
}

}  // namespace
}  // namespace freshet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::Feed(FRESHET_FUZZ_FORMAT, std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
