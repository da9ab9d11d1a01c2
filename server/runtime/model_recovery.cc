#include "server/runtime/model_recovery.h"

#include <google/protobuf/text_format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "server/runtime/imported_snapshot.h"
#include "server/runtime/log_replay.h"
#include "server/runtime/model_settings.h"
#include "server/runtime/model_state.h"
#include "server/runtime/snapshot_state.h"

namespace freshet {
namespace {

absl::StatusOr<v1::Model> ReadManifest(const RuntimeEnvironment& environment,
                                       const std::string& model_id) {
  absl::StatusOr<std::string> text = environment.data_dir.ReadManifest(model_id);
  if (!text.ok()) return text.status();
  v1::Model spec;
  if (!google::protobuf::TextFormat::ParseFromString(*text, &spec) || spec.variants_size() == 0) {
    return absl::DataLossError(
        StrCat(environment.data_dir.ModelDir(model_id),
               "/MODEL is damaged; put it back from a copy, or remove the model's folder"));
  }
  return spec;
}

// The state of the newest good snapshot, or a new one where there is none.
absl::StatusOr<std::unique_ptr<ModelState>> LoadNewestState(const v1::Model& spec,
                                                            SnapshotStore& snapshots) {
  for (const DamagedSnapshot& damaged : snapshots.damaged()) {
    spdlog::error("event=snapshot_damaged model={} file={} error=\"{}\"", spec.name(), damaged.path,
                  std::string(damaged.reason.message()));
  }
  std::vector<v1::SnapshotFileHeader> headers = snapshots.List();
  std::reverse(headers.begin(), headers.end());  // Newest first.
  for (const v1::SnapshotFileHeader& header : headers) {
    if (header.snapshot().trigger() == v1::SNAPSHOT_TRIGGER_IMPORT) continue;
    auto state = LoadSnapshotState(
        spec, {.snapshot_id = std::string(SnapshotIdOf(header)), .file_checksum = {}}, snapshots);
    // Without a log the manifest alone says what the settings are.
    if (state.ok() && spec.durability() != v1::DURABILITY_NONE) {
      (*state)->PutBackSettings(SettingsOf(header.model()));
    }
    if (state.ok() || absl::IsResourceExhausted(state.status())) return state;
    spdlog::error("event=snapshot_damaged model={} snapshot={} error=\"{}\"; trying the one before",
                  spec.name(), header.snapshot().name(), std::string(state.status().message()));
  }
  return ModelState::Create(spec);
}

// A crash may have come between a change of the settings, which is a record of the log, and the
// manifest that follows it.
void MendManifest(const RuntimeEnvironment& environment, const std::string& model_id,
                  const ModelState& state, v1::Model& spec) {
  const std::string before = FormatManifest(spec);
  PutSettings(state.settings(), spec);
  const std::string manifest = FormatManifest(spec);
  if (manifest == before) return;
  const absl::Status status = environment.data_dir.WriteManifest(model_id, manifest);
  if (!status.ok()) {  // The next recovery comes to the same.
    spdlog::warn("event=manifest_not_written model={} error=\"{}\"", spec.name(),
                 status.ToString());
  }
}

// For a model without a log that would start empty: OK where it has no snapshot that it would start
// from if that could be read.
absl::Status CheckNoneLost(const v1::Model& spec, const SnapshotStore& snapshots) {
  std::string path;
  for (const v1::SnapshotFileHeader& header : snapshots.List()) {
    const v1::Snapshot& snapshot = header.snapshot();
    if (snapshot.trigger() == v1::SNAPSHOT_TRIGGER_IMPORT || snapshot.offset() == 0) continue;
    path = snapshots.PathOf(SnapshotIdOf(header));
  }
  if (!snapshots.damaged().empty()) path = snapshots.damaged().front().path;
  if (path.empty()) return absl::OkStatus();
  return absl::DataLossError(
      StrCat(spec.name(), " has snapshots, and none can be read: ", path,
             "; put a good copy there, or remove the damaged files to start the model empty"));
}

absl::StatusOr<std::unique_ptr<Log>> OpenLog(const RuntimeEnvironment& environment,
                                             const std::string& model_id) {
  absl::StatusOr<std::unique_ptr<Log>> log =
      Log::Open(environment.data_dir.file_system(), environment.data_dir.LogDir(model_id),
                LogOptions{.segment_bytes = environment.log_segment_bytes});
  if (log.ok() && (*log)->recovery_report().cut_bytes > 0) {
    const RecoveryReport& report = (*log)->recovery_report();
    spdlog::warn("event=log_tail_cut file={} bytes={} reason=\"{}\"", report.cut_path,
                 report.cut_bytes, report.cut_reason);
  }
  return log;
}

}  // namespace

std::string FormatManifest(const v1::Model& spec) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(spec, &text);
  return text;
}

absl::StatusOr<std::shared_ptr<ModelRuntime>> RecoverModel(const RuntimeEnvironment& environment,
                                                           const std::string& model_id,
                                                           RecoveryProgress& progress) {
  RecoveredModel model;
  absl::StatusOr<v1::Model> spec = ReadManifest(environment, model_id);
  if (!spec.ok()) return spec.status();
  model.spec = *std::move(spec);
  auto snapshots = SnapshotStore::Open(environment.data_dir.file_system(),
                                       environment.data_dir.SnapshotDir(model_id));
  if (!snapshots.ok()) return snapshots.status();
  model.snapshots = *std::move(snapshots);
  absl::StatusOr<std::unique_ptr<ModelState>> state = LoadNewestState(model.spec, *model.snapshots);
  if (!state.ok()) return state.status();
  model.state = *std::move(state);
  model.state->names()->SetCapacity(environment.max_names);
  model.predictor = std::make_shared<Predictor>(model.spec.variants(0).learner());
  model.predictor->Publish(*model.state);
  const uint64_t snapshot_offset = model.state->offset();
  if (environment.predict_while_recovering && snapshot_offset > 0) {
    progress.predictor.Store(model.predictor);
  }
  const absl::Time begin = environment.clock();
  if (model.spec.durability() != v1::DURABILITY_NONE) {
    absl::StatusOr<std::unique_ptr<Log>> log = OpenLog(environment, model_id);
    if (!log.ok()) return log.status();
    model.log = *std::move(log);
    absl::Status status = ReplayLog(model, environment.clock, progress);
    if (!status.ok()) return status;
    MendManifest(environment, model_id, *model.state, model.spec);
  } else if (snapshot_offset == 0) {
    if (absl::Status status = CheckNoneLost(model.spec, *model.snapshots); !status.ok()) {
      return status;
    }
  }
  if (model.state->offset() > 0) {
    spdlog::info(
        "event=recovered model={} snapshot_offset={} offset={} examples={} replay_bytes={} "
        "replay_ms={:.1f}",
        model.spec.name(), snapshot_offset, model.state->offset(), model.state->example_count(),
        model.replayed_bytes, absl::ToDoubleMilliseconds(environment.clock() - begin));
  }
  return ModelRuntime::Start(environment, model_id, std::move(model));
}

}  // namespace freshet
