// The rows of a batch as plain values, for tests to compare.

#ifndef FRESHET_TESTS_CORE_FORMAT_ROWS_H_
#define FRESHET_TESTS_CORE_FORMAT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/feature/example_batch.h"
#include "core/format/row_format.h"

namespace freshet {

struct PlainFeature {
  std::string ns;
  uint32_t id;
  float value = 1;
  bool operator==(const PlainFeature&) const = default;
};

std::ostream& operator<<(std::ostream& out, const PlainFeature& feature);

// The feature as the text formats name it.
PlainFeature Named(std::string_view ns, std::string_view name, float value = 1);

struct PlainRow {
  float label = 0;
  float weight = 1;
  std::vector<PlainFeature> features = {};
  bool operator==(const PlainRow&) const = default;
};

std::ostream& operator<<(std::ostream& out, const PlainRow& row);

std::vector<PlainRow> RowsOf(const ExampleBatchBuilder& builder);

// Feeds lines to a format and collects the rows.
class FormatTester {
 public:
  // Fails the test if the format cannot be made.
  FormatTester(std::string_view name, FormatOptions options);

  void BeginFile() { format_->BeginFile("test"); }
  // Parses a line. Returns "row", "none", or the error message. Checks that an error leaves the
  // rows unchanged.
  std::string Feed(std::string_view line);
  std::string EndFile();
  std::string_view tag() const { return format_->tag(); }
  const ExampleBatchBuilder& builder() const { return builder_; }
  std::vector<PlainRow> rows() const { return RowsOf(builder_); }
  // Parses a line and returns its row; fails the test if it gives none.
  PlainRow RowOf(std::string_view line);

 private:
  std::unique_ptr<RowFormat> format_;
  ExampleBatchBuilder builder_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_CORE_FORMAT_ROWS_H_
