#include "server/model/log_replay.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/base/str_cat.h"
#include "server/model/event_loader.h"
#include "server/record/record.h"
#include "server/view/snapshot_state.h"

namespace freshet {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(5);

absl::Status DamagedRecord(const v1::Model& spec, uint64_t offset, std::string_view reason) {
  return absl::DataLossError(StrCat("the log of ", spec.name(), " holds a record at offset ",
                                    offset, " that cannot be replayed: ", reason));
}

absl::Status Apply(RecoveredModel& model, const LogRecord& logged, EventLoader& events) {
  absl::StatusOr<Record> record =
      ParseRecord(logged.kind, logged.payload, model.state->champion().served()->loss);
  if (!record.ok()) {
    return DamagedRecord(model.spec, logged.offset, ToStd(record.status().message()));
  }
  std::unique_ptr<ModelState> restored;
  if (auto* labels = std::get_if<LabelsRecord>(&record->body)) {
    absl::Status status = events.LoadRows(*labels);
    if (!status.ok()) return DamagedRecord(model.spec, logged.offset, ToStd(status.message()));
  }
  if (const auto* restore = std::get_if<RestoreRecord>(&record->body)) {
    auto loaded = LoadSnapshotState(model.spec, *restore, *model.snapshots);
    if (!loaded.ok()) {
      return DamagedRecord(model.spec, logged.offset, ToStd(loaded.status().message()));
    }
    restored = *std::move(loaded);
    model.restores[logged.offset] = restore->snapshot_id;
  }
  model.state->Apply(*record, std::move(restored));
  return absl::OkStatus();
}

// At the end of the log all views have the same records. One that is further was saved with records
// that are gone.
absl::Status CheckViewsAgree(const RecoveredModel& model) {
  if (model.state->views_agree()) return absl::OkStatus();
  return absl::DataLossError(StrCat("the log of ", model.spec.name(), " ends at offset ",
                                    model.state->offset(),
                                    ", and a part of the snapshot has later records; put a good "
                                    "copy of the log or of a snapshot into the model's folder"));
}

}  // namespace

absl::Status ReplayLog(RecoveredModel& model, const std::function<absl::Time()>& clock,
                       RecoveryProgress& progress) {
  const ModelState& state = *model.state;
  if (state.offset() < model.log->first_offset()) {
    return absl::DataLossError(
        StrCat("the log of ", model.spec.name(), " begins at offset ", model.log->first_offset(),
               ", and no snapshot that can be read reaches it (the best is at ", state.offset(),
               "); put a good copy of a snapshot into the model's folder"));
  }
  if (state.offset() > model.log->next_offset()) {
    spdlog::warn(
        "event=log_behind model={} log_offset={} snapshot_offset={}; going on from the snapshot",
        model.spec.name(), model.log->next_offset(), state.offset());
    if (absl::Status status = CheckViewsAgree(model); !status.ok()) return status;
    return model.log->SkipTo(state.offset());
  }
  absl::StatusOr<std::unique_ptr<LogReader>> reader = model.log->NewReader(state.offset());
  if (!reader.ok()) return reader.status();
  EventLoader events([&model](uint64_t offset) { return model.log->NewReader(offset); },
                     state.champion().served()->loss);
  progress.end_offset = model.log->next_offset();
  absl::Time next_report = clock() + kReportInterval;
  while (true) {
    if (progress.cancelled) return absl::CancelledError("the server is stopping");
    progress.offset = state.offset();
    if (const absl::Time now = clock(); now >= next_report) {
      next_report = now + kReportInterval;
      spdlog::info("event=recovering model={} offset={} end_offset={}", model.spec.name(),
                   state.offset(), progress.end_offset.load());
    }
    absl::StatusOr<std::optional<LogRecord>> record = (*reader)->Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) return CheckViewsAgree(model);
    if (absl::Status status = Apply(model, **record, events); !status.ok()) return status;
    model.predictor->Publish(state.champion());
    model.replayed_bytes += (*record)->payload.size();
  }
}

}  // namespace freshet
