// Comma- or tab-separated values with a header line. FormatOptions says what the columns mean.
//
// Each column is a namespace with the column's name. A cell of a categorical column becomes a
// feature named by its text. A cell of a numeric column becomes a feature with the column's name
// and the number as its value. An empty cell gives no feature. Lines of nothing but blanks are
// skipped, and so is a line such as "sep=;" above the header, which names the delimiter.

#ifndef FRESHET_CORE_FORMAT_CSV_FORMAT_H_
#define FRESHET_CORE_FORMAT_CSV_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/feature/example_batch.h"
#include "core/format/civil_time.h"
#include "core/format/csv_record.h"
#include "core/format/label_rule.h"
#include "core/format/missing_words.h"
#include "core/format/row_format.h"
#include "core/format/time_features.h"

namespace freshet {

class CsvFormat final : public RowFormat {
 public:
  // `delimiter` separates cells unless the options name another one. If it is empty, the delimiter
  // is guessed from the header of each file (see FormatOptions::delimiter). INVALID_ARGUMENT for
  // malformed options.
  static absl::StatusOr<std::unique_ptr<CsvFormat>> Make(FormatOptions options,
                                                         std::string_view delimiter);

  void BeginFile(std::string_view path) override;
  absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) override;
  absl::Status EndFile() override;
  absl::StatusOr<std::optional<FieldText>> Field(std::string_view name) override;

 private:
  enum class Role { kCategory, kNumber, kTime, kLabel, kWeight, kIgnored };

  struct Column {
    std::string name;
    Role role = Role::kCategory;
    uint32_t namespace_hash = 0;
    uint32_t number_id = 0;  // The id of the feature if the role is kNumber.
  };

  CsvFormat(FormatOptions options, LabelReader labels, TimeReader times);

  bool FindDelimiter(std::string_view line);
  absl::Status ReadHeader();
  absl::Status SetLabelAndWeight();
  absl::Status SetRole(std::string_view name, Role role, std::string_view option);
  bool HasColumn(std::string_view name) const;
  std::string ColumnNames() const;
  absl::Status ParseRow(ExampleBatchBuilder& builder);
  absl::Status ParseLabel(const Column& column, const CsvCell& cell, float& label) const;
  absl::Status ParseWeight(const Column& column, const CsvCell& cell, float& weight) const;
  absl::Status AddFeatures(const Column& column, const CsvCell& cell,
                           ExampleBatchBuilder& builder) const;

  const FormatOptions options_;
  const LabelReader labels_;
  const TimeReader times_;
  const MissingWords missing_;
  CsvSplitter splitter_;
  std::vector<CsvCell> cells_;  // Of the line being parsed.

  // State of the file being read.
  bool header_read_ = false;
  bool delimiter_declared_ = false;  // Whether a line above the header named the delimiter.
  std::vector<Column> columns_;
  std::optional<TimeFeatures> time_features_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_CSV_FORMAT_H_
