// The text format of Vowpal Wabbit:
//
//   [label [importance [initial]]] ['tag]|namespace[:weight] feature[:value] ... |namespace ...
//
// Names give the same ids as in Vowpal Wabbit: see core/feature/hash.h. As in Vowpal Wabbit, a
// token that touches the first '|' or starts with ' is the tag; everything up to a tab before the
// first
// '|' is skipped; the weight of a namespace multiplies its values; features without a name are
// numbered from 0 in each occurrence of a namespace; a feature of value 0 is left out.
//
// Stricter than Vowpal Wabbit: malformed input is always an error, never a guess. Values, labels
// and weights must be finite numbers (a label may be any text if FormatOptions::positive says what
// it means). The line must have a '|'. The initial prediction must be 0 or absent.
// FormatOptions::as_vowpal_wabbit makes some of this less strict.

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
  // What stands before the first '|'.
  struct Head {
    float label = 0;
    float weight = 1;
    float initial = 0;
  };

  VwFormat(LabelReader labels, const FormatOptions& options)
      : labels_(std::move(labels)),
        labels_required_(options.labels_required),
        is_lenient_(options.as_vowpal_wabbit),
        hash_all_(options.hash_all) {}

  absl::Status ParseHead(std::string_view head, Head& parsed);
  absl::Status ParseNamespace(const char*& cursor, ExampleBatchBuilder& builder);
  absl::Status ErrorAt(const char* position, std::string_view message) const;

  const LabelReader labels_;
  const bool labels_required_;
  const bool is_lenient_;
  const bool hash_all_;
  std::string tag_;
  std::string_view line_;  // The line being parsed.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_VW_FORMAT_H_
