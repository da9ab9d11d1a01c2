// Rows of a model: reads them as the model's input mapping says.

#ifndef FRESHET_CLIENT_PYTHON_SRC_ROW_READER_H_
#define FRESHET_CLIENT_PYTHON_SRC_ROW_READER_H_

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/command/example_reader.h"
#include "core/feature/example_batch.h"
#include "core/format/field_roles.h"
#include "core/format/row_format.h"

namespace freshet::python {

// What a caller says of fields, beyond the model's mapping; empty: nothing.
struct FieldOptions {
  std::string label;
  std::string weight;
  std::vector<std::string> ignore;
};

// What a client knows of a model: how it reads rows. A token may be allowed to learn or predict
// without being allowed to describe the model; then nothing is known.
struct ModelInput {
  std::optional<v1::Model> model;

  static ModelInput Fetch(const Client& client, const std::string& name);
  // Whether learning a table decides what its fields mean, as a push of a file does.
  bool ChoosesMapping() const {
    return model && !model->has_input() && model->example_count() == 0;
  }
  bool HasBinaryLabels() const;
};

// Reads rows to learn (`labels_required`) or to predict. The methods need the interpreter's lock
// where they take Python objects; one thread at a time may use a reader.
class RowReader {
 public:
  RowReader(const ModelInput& input, const FieldOptions& fields, bool labels_required);

  // Adds a dictionary as a row. `label` and `weight` may be None. Throws InvalidRow with `number`.
  void Add(nanobind::handle row, nanobind::handle label, nanobind::handle weight,
           std::optional<uint64_t> number, ExampleBatchBuilder& builder);
  // The two halves of Add(): the second one needs no lock.
  void Write(nanobind::handle row, nanobind::handle label, nanobind::handle weight,
             std::optional<uint64_t> number, std::string& text) const;
  absl::Status Parse(std::string_view text, ExampleBatchBuilder& builder);

  // The id of the event that the last row is, if the mapping has a field for it.
  std::string_view tag() const { return format_->tag(); }
  std::vector<std::string> TakeWarnings() { return format_->TakeWarnings(); }
  bool IsLeftOut(std::string_view field) const;

 private:
  std::shared_ptr<const PreparedInput> input_;
  std::unique_ptr<RowFormat> format_;
  std::string weight_field_;
};

}  // namespace freshet::python

#endif  // FRESHET_CLIENT_PYTHON_SRC_ROW_READER_H_
