// How fast text is parsed into batches, beside the floor: finding the ends of the lines.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "client/format/row_format.h"
#include "client/generate/click_generator.h"
#include "client/generate/random.h"
#include "core/base/str_cat.h"
#include "core/feature/example_batch.h"

namespace freshet {
namespace {

constexpr int kRows = 20'000;
constexpr int kFeatures = 30;
constexpr size_t kBatchRows = 1024;

// A category of a feature, skewed and repeatable.
uint64_t Category(int row, int feature) {
  const uint64_t bits =
      Scramble(static_cast<uint64_t>(row) * kFeatures + static_cast<uint64_t>(feature));
  return (bits >> 32) % (1 + (bits & 0xffff));
}

// 30 named features in 3 namespaces.
std::string VwText() {
  std::string text;
  for (int row = 0; row < kRows; ++row) {
    text += row % 7 == 0 ? "1" : "-1";
    for (int feature = 0; feature < kFeatures; ++feature) {
      if (feature % 10 == 0) text += StrCat(" |ns", feature / 10);
      text += StrCat(" f", feature, "=", Category(row, feature));
    }
    text += '\n';
  }
  return text;
}

// The same with a value each.
std::string VwValuesText() {
  std::string text;
  for (int row = 0; row < kRows; ++row) {
    text += row % 7 == 0 ? "1 |f" : "-1 |f";
    for (int feature = 0; feature < kFeatures; ++feature) {
      text += StrCat(" feature", feature, ":0.", 100000 + Category(row, feature));
    }
    text += '\n';
  }
  return text;
}

std::string SvmlightText() {
  std::string text;
  for (int row = 0; row < kRows; ++row) {
    text += row % 7 == 0 ? "1" : "-1";
    for (int feature = 0; feature < kFeatures; ++feature) {
      text += StrCat(" ", feature * 100'000 + static_cast<int>(Category(row, feature)), ":0.5");
    }
    text += '\n';
  }
  return text;
}

std::string CsvText() {
  std::string text = "label";
  for (int feature = 0; feature < kFeatures; ++feature) text += StrCat(",column", feature);
  text += '\n';
  for (int row = 0; row < kRows; ++row) {
    text += row % 7 == 0 ? "1" : "-1";
    for (int feature = 0; feature < kFeatures; ++feature) {
      text += StrCat(",v", Category(row, feature));
    }
    text += '\n';
  }
  return text;
}

std::string JsonlText() {
  std::string text;
  for (int row = 0; row < kRows; ++row) {
    text += StrCat("{\"label\":", row % 7 == 0 ? 1 : -1);
    for (int feature = 0; feature < kFeatures; ++feature) {
      text += StrCat(",\"column", feature, "\":\"v", Category(row, feature), "\"");
    }
    text += "}\n";
  }
  return text;
}

template <typename Visit>
void ForEachLine(const std::string& text, Visit visit) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const auto* const newline =
        static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(end - p)));
    visit(std::string_view(p, static_cast<size_t>(newline - p)));
    p = newline + 1;
  }
}

void Report(benchmark::State& state, const std::string& text) {
  state.SetItemsProcessed(state.iterations() * kRows);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

void FindLineEnds(benchmark::State& state, std::string (*make_text)()) {
  const std::string text = make_text();
  for (auto _ : state) {
    ForEachLine(text, [](std::string_view line) { benchmark::DoNotOptimize(line.data()); });
  }
  Report(state, text);
}

void Parse(benchmark::State& state, std::string_view name, std::string (*make_text)()) {
  const std::string text = make_text();
  const std::unique_ptr<RowFormat> format = *MakeRowFormat(name, {});
  ExampleBatchBuilder builder;
  for (auto _ : state) {
    format->BeginFile("");
    ForEachLine(text, [&](std::string_view line) {
      if (!format->ParseLine(line, builder).ok()) state.SkipWithError("malformed line");
      if (builder.row_count() == kBatchRows) builder.Clear();
    });
    builder.Clear();
  }
  Report(state, text);
}

void Generate(benchmark::State& state) {
  ClickGenerator generator({});
  std::string text;
  for (auto _ : state) {
    text.clear();
    for (int row = 0; row < kRows; ++row) AppendVwLine(generator.Next(), text);
    benchmark::DoNotOptimize(text.data());
  }
  Report(state, text);
}

BENCHMARK_CAPTURE(FindLineEnds, vw, VwText);
BENCHMARK_CAPTURE(Parse, vw, "vw", VwText);
BENCHMARK_CAPTURE(FindLineEnds, vw_values, VwValuesText);
BENCHMARK_CAPTURE(Parse, vw_values, "vw", VwValuesText);
BENCHMARK_CAPTURE(FindLineEnds, svmlight, SvmlightText);
BENCHMARK_CAPTURE(Parse, svmlight, "svmlight", SvmlightText);
BENCHMARK_CAPTURE(FindLineEnds, csv, CsvText);
BENCHMARK_CAPTURE(Parse, csv, "csv", CsvText);
BENCHMARK_CAPTURE(FindLineEnds, jsonl, JsonlText);
BENCHMARK_CAPTURE(Parse, jsonl, "jsonl", JsonlText);
BENCHMARK(Generate);

}  // namespace
}  // namespace freshet
