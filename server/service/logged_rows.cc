#include "server/service/logged_rows.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "server/record/events_record.h"
#include "server/service/event_id.h"
#include "server/service/grpc_status.h"

namespace freshet {
namespace {

using Rows = google::protobuf::RepeatedField<uint32_t>;

absl::Status CheckRows(const Rows& rows, size_t row_count) {
  for (int i = 0; i < rows.size(); ++i) {
    if (rows.Get(i) >= row_count) {
      return absl::InvalidArgumentError(StrCat("log_events.rows[", i, "] is ", rows.Get(i),
                                               "; the batch has the rows 0 to ", row_count - 1));
    }
    if (i > 0 && rows.Get(i) <= rows.Get(i - 1)) {
      return absl::InvalidArgumentError(StrCat("log_events.rows[", i, "] is ", rows.Get(i),
                                               ", after ", rows.Get(i - 1),
                                               "; name each row once, in rising order"));
    }
  }
  return absl::OkStatus();
}

template <typename Column>
void AppendRange(const Column& from, uint64_t begin, uint64_t end, Column& to) {
  to.Add(from.begin() + static_cast<ptrdiff_t>(begin), from.begin() + static_cast<ptrdiff_t>(end));
}

// The names of the features of `rows`.
void AppendNames(const v1::PackedBatch& batch, v1::PackedBatch& rows) {
  if (batch.names().empty()) return;
  const absl::flat_hash_set<uint32_t> ids(rows.feature_ids().begin(), rows.feature_ids().end());
  for (const v1::FeatureName& name : batch.names()) {
    if (ids.contains(name.id())) *rows.add_names() = name;
  }
}

void AppendPackedRows(const v1::PackedBatch& batch, const Rows& logged, v1::PackedBatch& rows) {
  const auto namespaces = static_cast<uint64_t>(batch.namespaces_size());
  const auto& sizes = batch.segment_sizes();
  // The segments of a row begin here; all rows share them if there are those of one row only.
  const auto segments_of = [&](uint64_t row) {
    const bool shared = static_cast<uint64_t>(sizes.size()) == namespaces;
    return sizes.begin() + static_cast<ptrdiff_t>(shared ? 0 : row * namespaces);
  };
  *rows.mutable_namespaces() = batch.namespaces();
  uint64_t row = 0;
  uint64_t begin = 0;  // The first feature of the row.
  for (const uint32_t next : logged) {
    const auto size_of = [&](uint64_t at) {
      const auto first = segments_of(at);
      return std::accumulate(first, first + static_cast<ptrdiff_t>(namespaces), uint64_t{0});
    };
    for (; row < next; ++row) begin += size_of(row);
    const uint64_t end = begin + size_of(row);
    AppendRange(batch.feature_ids(), begin, end, *rows.mutable_feature_ids());
    if (!batch.values().empty()) AppendRange(batch.values(), begin, end, *rows.mutable_values());
    const auto first = segments_of(row);
    rows.mutable_segment_sizes()->Add(first, first + static_cast<ptrdiff_t>(namespaces));
  }
  AppendNames(batch, rows);
}

}  // namespace

absl::StatusOr<v1::LearnRequest> BeginEvents(const v1::LogEvents& log, size_t row_count,
                                             absl::Time now) {
  if (absl::Status status = CheckRows(log.rows(), row_count); !status.ok()) return status;
  const size_t count = log.rows().empty() ? row_count : static_cast<size_t>(log.rows_size());
  v1::LearnRequest events;
  *events.mutable_event_times_ms() = log.event_times_ms();
  *events.mutable_event_ids() = log.event_ids();
  if (log.event_ids().empty()) {
    absl::StatusOr<std::vector<std::string>> ids = NewEventIds(now, count);
    if (!ids.ok()) return ids.status();
    for (std::string& id : *ids) events.add_event_ids(std::move(id));
  }
  v1::BatchError error;
  if (CheckEvents(events, count, error)) return events;
  const absl::Status fault = BatchFault(error);
  return absl::Status(fault.code(), StrCat("log_events: ", ToStd(fault.message())));
}

void TakeLoggedRows(v1::PredictRequest& request, v1::LearnRequest& events) {
  const Rows& logged = request.log_events().rows();
  if (request.has_packed()) {
    v1::PackedBatch& rows = *events.mutable_packed();
    if (logged.empty()) {
      rows.Swap(request.mutable_packed());
    } else {
      AppendPackedRows(request.packed(), logged, rows);
    }
    rows.clear_labels();
    rows.clear_weights();
    rows.set_row_count(static_cast<uint32_t>(events.event_ids_size()));
    return;
  }
  auto& sent = *request.mutable_examples()->mutable_examples();
  auto& rows = *events.mutable_examples()->mutable_examples();
  if (logged.empty()) rows.Swap(&sent);
  for (const uint32_t row : logged) rows.Add()->Swap(sent.Mutable(static_cast<int>(row)));
  for (v1::Example& example : rows) {
    example.clear_label();
    example.clear_weight();
  }
}

}  // namespace freshet
