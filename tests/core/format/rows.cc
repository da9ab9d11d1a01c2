#include "tests/core/format/rows.h"

#include <gtest/gtest.h>

#include <utility>

#include "core/feature/hash.h"

namespace freshet {

std::ostream& operator<<(std::ostream& out, const PlainFeature& feature) {
  return out << feature.ns << "/" << feature.id << ":" << feature.value;
}

std::ostream& operator<<(std::ostream& out, const PlainRow& row) {
  out << row.label << " x" << row.weight << " |";
  for (const PlainFeature& feature : row.features) out << " " << feature;
  return out;
}

PlainFeature Named(std::string_view ns, std::string_view name, float value) {
  return {std::string(ns), HashFeature(name, HashNamespace(ns)), value};
}

std::vector<PlainRow> RowsOf(const ExampleBatchBuilder& builder) {
  const ExampleBatch batch = builder.View();
  const size_t namespaces = builder.namespaces().size();
  std::vector<PlainRow> rows;
  size_t next = 0;
  for (size_t r = 0; r < batch.size(); ++r) {
    PlainRow row{batch.labels[r], batch.Weight(r)};
    EXPECT_EQ(next, batch.RowBegin(r));
    for (size_t n = 0; n < namespaces; ++n) {
      for (uint32_t i = 0; i < batch.segment_sizes[r * namespaces + n]; ++i, ++next) {
        row.features.push_back({builder.namespaces()[n], batch.feature_ids[next],
                                batch.values.empty() ? 1.0f : batch.values[next]});
      }
    }
    EXPECT_EQ(next, batch.RowEnd(r));
    rows.push_back(std::move(row));
  }
  return rows;
}

FormatTester::FormatTester(std::string_view name, FormatOptions options) {
  auto format = MakeRowFormat(name, std::move(options));
  EXPECT_TRUE(format.ok()) << format.status();
  format_ = *std::move(format);
  format_->BeginFile("test");
}

std::string FormatTester::Feed(std::string_view line) {
  const std::vector<PlainRow> before = rows();
  // An exact copy on the heap, so that AddressSanitizer sees reads past its end.
  const std::unique_ptr<char[]> copy(new char[line.size()]);
  line.copy(copy.get(), line.size());
  const absl::StatusOr<bool> added =
      format_->ParseLine(std::string_view(copy.get(), line.size()), builder_);
  if (added.ok()) {
    EXPECT_EQ(builder_.row_count(), before.size() + (*added ? 1 : 0));
    return *added ? "row" : "none";
  }
  EXPECT_EQ(rows(), before);
  return std::string(added.status().message());
}

std::string FormatTester::EndFile() {
  const absl::Status status = format_->EndFile();
  return status.ok() ? "ok" : std::string(status.message());
}

PlainRow FormatTester::RowOf(std::string_view line) {
  const std::string result = Feed(line);
  EXPECT_EQ(result, "row");
  return result == "row" ? rows().back() : PlainRow{};
}

}  // namespace freshet
