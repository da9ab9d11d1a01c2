// The text format of SVMlight and LIBSVM:
//
//   label [qid:number] index:value ... [# comment]
//
// An index is the id of a feature in the default namespace. Query ids are checked and dropped.

#ifndef FRESHET_CORE_FORMAT_SVMLIGHT_FORMAT_H_
#define FRESHET_CORE_FORMAT_SVMLIGHT_FORMAT_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/feature/example_batch.h"
#include "core/format/row_format.h"

namespace freshet {

class SvmlightFormat final : public RowFormat {
 public:
  // A row without a label is an error where labels are required, else it has the label 0.
  explicit SvmlightFormat(bool labels_required) : labels_required_(labels_required) {}

  absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) override;

 private:
  absl::Status ParsePair(const char*& cursor, const char* end, size_t index,
                         ExampleBatchBuilder& builder) const;
  absl::Status ErrorAt(const char* position, std::string_view message) const;

  const bool labels_required_;
  std::string_view line_;  // Being parsed.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_SVMLIGHT_FORMAT_H_
