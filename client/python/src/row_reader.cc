#include "client/python/src/row_reader.h"

#include "client/command/model_text.h"
#include "client/command/row_metrics.h"
#include "client/python/src/error.h"
#include "client/python/src/row_text.h"
#include "core/format/input_mapping_message.h"
#include "core/format/jsonl_format.h"

namespace freshet::python {

ModelInput ModelInput::Fetch(const Client& client, const std::string& name) {
  absl::StatusOr<v1::Model> model = client.GetModel(name);
  if (absl::IsPermissionDenied(model.status())) return {};
  return {Value(std::move(model))};
}

bool ModelInput::HasBinaryLabels() const {
  return model && HasTwoLabels(ChampionOf(*model).learner());
}

RowReader::RowReader(const ModelInput& input, const FieldOptions& fields, bool labels_required) {
  FormatOptions options{.labels_required = labels_required,
                        .label_field = fields.label,
                        .weight_field = fields.weight,
                        .ignore_fields = fields.ignore};
  if (input.model && input.model->has_input()) {
    options.mapping = InputMappingOf(input.model->input());
  }
  input_ = Value(PrepareInput(options));
  format_ = MakeJsonlFormat(labels_required, input_);
  format_->BeginFile("");
  weight_field_ = "weight";
  for (const FieldInRole& field : input_->roles.fields()) {
    if (field.role == FieldRole::kWeight) weight_field_ = field.field;
  }
}

bool RowReader::IsLeftOut(std::string_view field) const {
  const FieldInRole* const listed = input_->roles.Find(field);
  const FieldRole role = listed != nullptr ? listed->role : input_->roles.unlisted();
  return role == FieldRole::kIgnored && !input_->roles.HasBelow(field);
}

void RowReader::Write(nanobind::handle row, nanobind::handle label, nanobind::handle weight,
                      std::optional<uint64_t> number, std::string& text) const {
  try {
    RowText(row, {{input_->roles.label_field(), label}, {weight_field_, weight}}, text);
  } catch (const StatusError& error) {
    if (!error.row() || !number) throw;
    StatusError::Row bad = *error.row();
    bad.number = number;
    throw StatusError(std::move(bad));
  }
}

absl::Status RowReader::Parse(std::string_view text, ExampleBatchBuilder& builder) {
  return format_->ParseLine(text, builder).status();
}

void RowReader::Add(nanobind::handle row, nanobind::handle label, nanobind::handle weight,
                    std::optional<uint64_t> number, ExampleBatchBuilder& builder) {
  thread_local std::string text;  // Values may run code of theirs, and so other threads.
  Write(row, label, weight, number, text);
  if (absl::Status status = Parse(text, builder); !status.ok()) throw BadRow(status, number);
}

}  // namespace freshet::python
