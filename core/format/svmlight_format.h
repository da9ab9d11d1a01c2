// The text format of SVMlight and LIBSVM:
//
//   label[:weight] [qid:number] index:value ... [# comment]
//
// An index is the id of a feature in the default namespace; blanks around its colon are allowed.
// Query ids are checked and dropped.
//
// A row without a label looks like one with a label and a weight. When learning, a row like that is
// an error once the file has had a label without a weight. When predicting, rows need no label, so
// the first pair is a feature if it can be one and FormatOptions::weight_field is empty.

#ifndef FRESHET_CORE_FORMAT_SVMLIGHT_FORMAT_H_
#define FRESHET_CORE_FORMAT_SVMLIGHT_FORMAT_H_

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/feature/example_batch.h"
#include "core/format/label_rule.h"
#include "core/format/row_format.h"

namespace freshet {

class SvmlightFormat final : public RowFormat {
 public:
  // INVALID_ARGUMENT for a malformed FormatOptions::positive.
  static absl::StatusOr<std::unique_ptr<SvmlightFormat>> Make(const FormatOptions& options);

  void BeginFile(std::string_view path) override;
  absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) override;

 private:
  SvmlightFormat(LabelReader labels, bool labels_required, bool always_weighted)
      : labels_(std::move(labels)),
        labels_required_(labels_required),
        always_weighted_(always_weighted) {}

  absl::Status ParseLabel(const char*& cursor, const char* end, float& label, float& weight);
  absl::Status ParsePair(const char*& cursor, const char* end, size_t index,
                         ExampleBatchBuilder& builder) const;
  absl::Status ErrorAt(const char* position, std::string_view message) const;

  const LabelReader labels_;
  const bool labels_required_;
  const bool always_weighted_;
  bool had_plain_label_ = false;  // Whether this file has had a label without a weight.
  std::string_view line_;         // The line being parsed.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_SVMLIGHT_FORMAT_H_
