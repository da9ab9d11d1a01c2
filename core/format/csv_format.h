// Comma- or tab-separated values with a header line. FormatOptions says what the columns mean.
//
// Each column is a namespace with the column's name. A cell of a categorical column becomes a
// feature named by its text. A cell of a numeric column becomes a feature with the column's name
// and the number as its value; see FieldRole for the others. An empty cell gives no feature. Lines
// of nothing but blanks are skipped, and so is a line such as "sep=;" above the header, which names
// the delimiter.

#ifndef FRESHET_CORE_FORMAT_CSV_FORMAT_H_
#define FRESHET_CORE_FORMAT_CSV_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/feature/example_batch.h"
#include "core/format/csv_record.h"
#include "core/format/field_roles.h"
#include "core/format/input_mapping.h"
#include "core/format/label_rule.h"
#include "core/format/missing_words.h"
#include "core/format/row_format.h"
#include "core/format/text_words.h"

namespace freshet {

class CsvFormat final : public RowFormat {
 public:
  // `delimiter` separates cells unless the options name another one. If it is empty, the delimiter
  // is guessed from the header of each file (see FormatOptions::delimiter). INVALID_ARGUMENT for
  // malformed options.
  static absl::StatusOr<std::unique_ptr<CsvFormat>> Make(const FormatOptions& options,
                                                         std::string_view delimiter);

  void BeginFile(std::string_view path) override;
  absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) override;
  absl::Status EndFile() override;
  std::string_view tag() const override { return tag_; }
  absl::StatusOr<std::optional<FieldText>> Field(std::string_view name) override;

 private:
  struct Column {
    std::string name;
    FieldRole role = FieldRole::kByType;
    std::string_view flag;          // The option that gave the role; empty if none did.
    std::string feature_namespace;  // Of its features.
    bool is_prefixed = false;       // Whether names of features begin with that of the column.
    uint32_t namespace_hash = 0;
    uint32_t number_id = 0;  // The id of the feature if the role is kNumber.
    std::shared_ptr<const TimeField> time;
  };

  CsvFormat(bool labels_required, std::shared_ptr<const PreparedInput> input,
            std::string delimiter);

  bool FindDelimiter(std::string_view line);
  absl::Status ReadHeader();
  absl::Status SetRoles();
  absl::Status SetRole(const FieldInRole& field);
  // What is done about a field that the header does not have.
  absl::Status Lack(const FieldInRole& field);
  absl::Status NoLabelColumn() const;
  void LeaveOutUnlisted();
  std::string ColumnNames() const;
  absl::Status ParseRow(ExampleBatchBuilder& builder);
  absl::Status AddCell(const Column& column, const CsvCell& cell, ExampleBatchBuilder& builder);
  void AddCategory(const Column& column, std::string_view text, size_t index,
                   ExampleBatchBuilder& builder);
  absl::Status ParseLabel(const Column& column, const CsvCell& cell, float& label) const;
  absl::Status ParseWeight(const Column& column, const CsvCell& cell, float& weight) const;
  absl::Status AddFeatures(const Column& column, const CsvCell& cell, size_t index,
                           ExampleBatchBuilder& builder) const;

  const bool labels_required_;
  const std::shared_ptr<const PreparedInput> input_;
  const TextRules& rules_ = input_->rules;
  const FieldRoles& roles_ = input_->roles;
  const LabelReader& labels_ = input_->labels;
  const std::string delimiter_;  // Empty: guessed for each file.
  const MissingWords missing_;
  CsvSplitter splitter_;
  std::vector<CsvCell> cells_;  // Of the line being parsed.

  // State of the file being read.
  bool header_read_ = false;
  bool delimiter_declared_ = false;  // Whether a line above the header named the delimiter.
  std::vector<Column> columns_;

  std::string tag_;
  std::string feature_name_;
  TextWords words_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_CSV_FORMAT_H_
