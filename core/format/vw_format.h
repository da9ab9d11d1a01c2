// The text format of Vowpal Wabbit:
//
//   [label [importance [initial]]] ['tag]|namespace[:weight] feature[:value] ... |namespace ...
//
// Names mean the same ids as there: see core/feature/hash.h. As there, a token that touches the
// first '|' or starts with ' is the tag; everything before a tab ahead of the first '|' is
// skipped; the weight of a namespace multiplies its values; features without a name are numbered
// from 0 in each occurrence of a namespace; a value of 0 leaves the feature out.
//
// Stricter than there: what is malformed is an error and never a guess; values, labels and weights
// must be finite numbers (a label may be any text where FormatOptions::positive says what it
// means); the line must have a '|'; the initial prediction must be 0 or left out.

#ifndef FRESHET_CORE_FORMAT_VW_FORMAT_H_
#define FRESHET_CORE_FORMAT_VW_FORMAT_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/feature/example_batch.h"
#include "core/format/label_rule.h"
#include "core/format/row_format.h"

namespace freshet {

class VwFormat final : public RowFormat {
 public:
  // INVALID_ARGUMENT for a malformed FormatOptions::positive.
  static absl::StatusOr<std::unique_ptr<VwFormat>> Make(const FormatOptions& options);

  absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) override;
  std::string_view tag() const override { return tag_; }

 private:
  VwFormat(LabelReader labels, bool labels_required)
      : labels_(std::move(labels)), labels_required_(labels_required) {}

  absl::Status ParseHead(std::string_view head, float& label, float& weight);
  absl::Status ParseNamespace(const char*& cursor, ExampleBatchBuilder& builder);
  absl::Status ErrorAt(const char* position, std::string_view message) const;

  const LabelReader labels_;
  const bool labels_required_;
  std::string tag_;
  std::string_view line_;  // Being parsed.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_VW_FORMAT_H_
