#include "server/http/json_rows.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "core/feature/example_batch.h"
#include "core/feature/new_names.h"
#include "core/format/jsonl_format.h"

namespace freshet {
namespace {

constexpr int kMaxReportedRows = 16;

template <typename T>
void Assign(std::span<const T> from, google::protobuf::RepeatedField<T>& to) {
  to.Assign(from.begin(), from.end());
}

void Pack(const ExampleBatchBuilder& rows, NewNames& names, v1::PackedBatch& batch) {
  const ExampleBatch view = rows.View();
  for (const std::string& name : rows.namespaces()) batch.add_namespaces(name);
  Assign(view.labels, *batch.mutable_labels());
  Assign(view.weights, *batch.mutable_weights());
  Assign(view.feature_ids, *batch.mutable_feature_ids());
  Assign(view.values, *batch.mutable_values());
  Assign(view.segment_sizes, *batch.mutable_segment_sizes());
  batch.set_row_count(static_cast<uint32_t>(view.size()));
  if (rows.namespaces().empty()) {
    // The message requires a namespace, even if no row has a feature.
    batch.add_namespaces("");
    batch.add_segment_sizes(0);
  }
  names.TakeIf([&](const NewNames::Name& name) {
    const auto place =
        std::find(rows.namespaces().begin(), rows.namespaces().end(), name.name_space);
    if (place == rows.namespaces().end()) return true;
    v1::FeatureName& out = *batch.add_names();
    out.set_id(name.id);
    out.set_namespace_index(static_cast<uint32_t>(place - rows.namespaces().begin()));
    out.set_name(std::string(name.name));
    return true;
  });
}

}  // namespace

void AddBadRow(uint32_t row, std::string_view field, std::string_view reason,
               v1::BatchError& error) {
  error.set_bad_row_count(error.bad_row_count() + 1);
  if (error.rows_size() >= kMaxReportedRows) return;
  v1::RowError& bad = *error.add_rows();
  bad.set_row(row);
  bad.set_field(std::string(field));
  bad.set_reason(std::string(reason));
}

bool FinishBadRows(v1::BatchError& error) {
  if (error.bad_row_count() == 0) return false;
  error.set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
  error.set_message(StrCat("row ", error.rows(0).row(), ": ", error.rows(0).reason()));
  return true;
}

void SetTooManyExamples(uint32_t max_examples, v1::BatchError& error) {
  error.set_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
  error.set_message(StrCat("a request may hold ", max_examples,
                           " examples (limits.max_batch_examples); send several requests"));
}

bool ReadMappedLines(std::string_view lines, const MappedLines& options, v1::PackedBatch& batch,
                     std::vector<std::string>& event_ids, v1::BatchError& error,
                     std::vector<std::string>& warnings) {
  const std::unique_ptr<RowFormat> format = MakeJsonlFormat(options.labels_required, options.input);
  NewNames names;
  ExampleBatchBuilder rows;
  rows.KeepNames(&names);
  uint32_t row = 0;
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (row == options.max_examples) {
      SetTooManyExamples(options.max_examples, error);
      return false;
    }
    const absl::Status status = format->ParseLine(line, rows).status();
    if (!status.ok()) AddBadRow(row, "row", ToStd(status.message()), error);
    event_ids.emplace_back(format->tag());
    for (std::string& warning : format->TakeWarnings()) {
      warnings.push_back(StrCat("row ", row, ": ", warning));
    }
    ++row;
  }
  if (FinishBadRows(error)) return false;
  Pack(rows, names, batch);
  return true;
}

}  // namespace freshet
