#include "server/runtime/model_recovery.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "server/runtime/imported_snapshot.h"
#include "server/runtime/log_replay.h"
#include "server/runtime/model_manifest.h"
#include "server/runtime/model_settings.h"
#include "server/runtime/model_state.h"
#include "server/runtime/snapshot_state.h"

namespace freshet {
namespace {

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
void MendManifest(const RuntimeEnvironment& environment, const ModelState& state, v1::Model& spec) {
  const std::string before = FormatManifest(spec);
  PutSettings(state.settings(), spec);
  const std::string manifest = FormatManifest(spec);
  if (manifest == before) return;
  const absl::Status status = environment.data_dir.WriteManifest(FolderOf(spec), manifest);
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
                                             const v1::Model& spec) {
  absl::StatusOr<std::unique_ptr<Log>> log =
      Log::Open(environment.data_dir.file_system(), environment.data_dir.LogDir(FolderOf(spec)),
                LogOptions{.segment_bytes = environment.log_segment_bytes, .uid = UidOf(spec)});
  if (log.ok() && (*log)->recovery_report().cut_bytes > 0) {
    const RecoveryReport& report = (*log)->recovery_report();
    spdlog::warn("event=log_tail_cut file={} bytes={} reason=\"{}\"", report.cut_path,
                 report.cut_bytes, report.cut_reason);
  }
  return log;
}

}  // namespace

absl::StatusOr<std::shared_ptr<ModelRuntime>> RecoverModel(const RuntimeEnvironment& environment,
                                                           const std::string& folder,
                                                           RecoveryProgress& progress) {
  const DataDir& data_dir = environment.data_dir;
  RecoveredModel model;
  absl::StatusOr<v1::Model> spec = ReadManifest(data_dir.file_system(), data_dir.ModelDir(folder));
  if (!spec.ok()) return spec.status();
  model.spec = *std::move(spec);
  auto snapshots =
      SnapshotStore::Open(data_dir.file_system(), data_dir.SnapshotDir(folder), model.spec);
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
    absl::StatusOr<std::unique_ptr<Log>> log = OpenLog(environment, model.spec);
    if (!log.ok()) return log.status();
    model.log = *std::move(log);
    absl::Status status = ReplayLog(model, environment.clock, progress);
    if (!status.ok()) return status;
    MendManifest(environment, *model.state, model.spec);
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
  return ModelRuntime::Start(environment, std::move(model));
}

}  // namespace freshet
