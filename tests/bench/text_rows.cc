#include "tests/bench/text_rows.h"

#include <fstream>

#include "client/generate/random.h"
#include "core/base/str_cat.h"
#include "tests/bench/bench_failure.h"

namespace freshet {
namespace {

constexpr int kFeatures = 30;

// The category of a feature: skewed, and the same in every run.
uint64_t Category(int row, int feature) {
  const uint64_t bits =
      Scramble(static_cast<uint64_t>(row) * kFeatures + static_cast<uint64_t>(feature));
  return (bits >> 32) % (1 + (bits & 0xffff));
}

int Label(int row) { return row % 7 == 0 ? 1 : -1; }

void NoHeader(std::string& /*text*/) {}

void AppendVw(int row, std::string& text) {
  absl::StrAppend(&text, Label(row));
  for (int feature = 0; feature < kFeatures; ++feature) {
    if (feature % 10 == 0) absl::StrAppend(&text, " |ns", feature / 10);
    absl::StrAppend(&text, " f", feature, "=", Category(row, feature));
  }
  text += '\n';
}

void AppendVwValues(int row, std::string& text) {
  absl::StrAppend(&text, Label(row), " |f");
  for (int feature = 0; feature < kFeatures; ++feature) {
    absl::StrAppend(&text, " feature", feature, ":0.", 100000 + Category(row, feature));
  }
  text += '\n';
}

void AppendSvmlight(int row, std::string& text) {
  absl::StrAppend(&text, Label(row));
  for (int feature = 0; feature < kFeatures; ++feature) {
    absl::StrAppend(&text, " ", feature * 100'000 + static_cast<int>(Category(row, feature)),
                    ":0.5");
  }
  text += '\n';
}

void AppendCsvHeader(std::string& text) {
  text += "label";
  for (int feature = 0; feature < kFeatures; ++feature) absl::StrAppend(&text, ",column", feature);
  text += '\n';
}

void AppendCsv(int row, std::string& text) {
  absl::StrAppend(&text, Label(row));
  for (int feature = 0; feature < kFeatures; ++feature) {
    absl::StrAppend(&text, ",v", Category(row, feature));
  }
  text += '\n';
}

void AppendJsonl(int row, std::string& text) {
  absl::StrAppend(&text, "{\"label\":", Label(row));
  for (int feature = 0; feature < kFeatures; ++feature) {
    absl::StrAppend(&text, ",\"column", feature, "\":\"v", Category(row, feature), "\"");
  }
  text += "}\n";
}

}  // namespace

const std::vector<TextKind>& TextKinds() {
  static const auto* const kKinds = new std::vector<TextKind>{
      {"vw", "vw", NoHeader, AppendVw},
      {"vw_values", "vw", NoHeader, AppendVwValues},
      {"svmlight", "svmlight", NoHeader, AppendSvmlight},
      {"csv", "csv", AppendCsvHeader, AppendCsv},
      {"jsonl", "jsonl", NoHeader, AppendJsonl},
  };
  return *kKinds;
}

uint64_t WriteTextFile(const TextKind& kind, int rows, const std::string& path) {
  constexpr size_t kPieceBytes = 1 << 20;
  std::ofstream file(path, std::ios::binary);
  std::string text;
  uint64_t size_bytes = 0;
  kind.append_header(text);
  for (int row = 0; row < rows; ++row) {
    kind.append_row(row, text);
    if (text.size() < kPieceBytes && row + 1 < rows) continue;
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    size_bytes += text.size();
    text.clear();
  }
  if (!file.flush()) FailBench(StrCat("cannot write ", path));
  return size_bytes;
}

}  // namespace freshet
