#include "server/recovery/model_recovery.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "server/file/small_file.h"
#include "server/log/log.h"
#include "server/model/imported_snapshot.h"
#include "server/model/log_replay.h"
#include "server/model/model_manifest.h"
#include "server/record/model_settings.h"
#include "server/recovery/model_diagnosis.h"
#include "server/recovery/snapshot_review.h"
#include "server/view/model_state.h"
#include "server/view/snapshot_state.h"

namespace freshet {
namespace {

// What recovery begins from.
struct StartState {
  std::unique_ptr<ModelState> state;
  std::optional<v1::SnapshotFileHeader> snapshot;  // Absent: the empty state.
};

// The state of the newest good snapshot, or a new one if there is none.
absl::StatusOr<StartState> LoadNewestState(const v1::Model& spec, SnapshotStore& snapshots) {
  for (const DamagedSnapshot& damaged : snapshots.damaged()) {
    spdlog::error("event=snapshot_damaged model={} file={} error={}", spec.name(),
                  JsonString(damaged.path), JsonString(ToStd(damaged.reason.message())));
  }
  std::vector<v1::SnapshotFileHeader> headers = snapshots.List();
  std::reverse(headers.begin(), headers.end());  // Newest first.
  for (v1::SnapshotFileHeader& header : headers) {
    if (!StartOffsetOf(header).has_value()) continue;
    auto state = LoadSnapshotState(
        spec, {.snapshot_id = std::string(SnapshotIdOf(header)), .file_checksum = {}}, snapshots);
    // A snapshot's header has the settings at its offset, and the log changes them from there on.
    // Without a log only the manifest has the settings.
    if (state.ok() && spec.durability() != v1::DURABILITY_NONE) {
      (*state)->PutBackSettings(SettingsOf(header.model()));
    }
    if (state.ok()) return StartState{.state = *std::move(state), .snapshot = std::move(header)};
    if (absl::IsResourceExhausted(state.status())) return state.status();
    spdlog::error("event=snapshot_damaged model={} snapshot={} error={}; trying the one before",
                  spec.name(), header.snapshot().name(),
                  JsonString(ToStd(state.status().message())));
  }
  absl::StatusOr<std::unique_ptr<ModelState>> state = ModelState::Create(spec);
  if (!state.ok()) return state.status();
  return StartState{.state = *std::move(state), .snapshot = {}};
}

// In a manifest without a checksum, a flipped bit may have changed the learner. So compare it with
// the learner in the newest snapshot.
absl::Status CheckWithSnapshots(const Manifest& manifest, const SnapshotStore& snapshots) {
  const std::vector<v1::SnapshotFileHeader> headers = snapshots.List();
  if (manifest.has_checksum || headers.empty()) return absl::OkStatus();
  const absl::Status same = CheckSameLearners(headers.back(), manifest.spec);
  return same.ok() ? same : absl::DataLossError(same.message());
}

// Writes the manifest anew if it differs from the recovered settings. A change of the settings is a
// record of the log first, then in the manifest, then in the manifest's copy, and a crash may have
// come in between. Also adds the checksum to a manifest of an older version.
void MendManifest(const ModelEnvironment& environment, const ModelState& state, bool has_checksum,
                  v1::Model& spec) {
  const std::string before = FormatManifest(spec);
  PutSettings(state.settings(), spec);
  const std::string manifest = FormatManifest(spec);
  const std::string folder = environment.data_dir.ModelDir(FolderOf(spec));
  const absl::StatusOr<std::string> copy =
      ReadSmallFile(environment.data_dir.file_system(), StrCat(folder, "/", kManifestCopyName));
  if (has_checksum && manifest == before && copy.value_or("") == manifest) return;
  const absl::Status status = environment.data_dir.WriteManifest(FolderOf(spec), manifest);
  if (!status.ok()) {  // Harmless: the next recovery tries again.
    spdlog::warn("event=manifest_not_written model={} error={}", spec.name(),
                 JsonString(status.ToString()));
  }
}

// For a model without a log: DATA_LOSS if a snapshot that cannot be used is, or may be, of a later
// state than `start`.
absl::Status CheckNoneLost(const ModelEnvironment& environment, const v1::Model& spec,
                           const StartState& start, const SnapshotStore& snapshots) {
  FileSystem& file_system = environment.data_dir.file_system();
  const v1::SnapshotFileHeader* newest = start.snapshot.has_value() ? &*start.snapshot : nullptr;
  const auto is_lost = [&](std::string_view id) {
    return MayBeNewer(file_system, snapshots.PathOf(id), id, spec, newest);
  };
  std::string lost;
  for (const v1::SnapshotFileHeader& header : snapshots.List()) {
    if (is_lost(SnapshotIdOf(header))) lost = SnapshotIdOf(header);
  }
  for (const DamagedSnapshot& damaged : snapshots.damaged()) {
    if (is_lost(damaged.id)) lost = damaged.id;
  }
  if (lost.empty()) return absl::OkStatus();
  return absl::DataLossError(StrCat(snapshots.PathOf(lost), ": the newest snapshot of ",
                                    spec.name(), " cannot be read, and there is no log"));
}

absl::StatusOr<std::unique_ptr<Log>> OpenLog(const ModelEnvironment& environment,
                                             const v1::Model& spec, const StartState& start) {
  FileSystem& file_system = environment.data_dir.file_system();
  const std::string dir = environment.data_dir.LogDir(FolderOf(spec));
  if (absl::IsNotFound(file_system.FileSize(dir).status())) {
    return absl::DataLossError(StrCat(dir, ": the folder of the log is missing"));
  }
  const uint64_t offset = start.state->offset();
  absl::StatusOr<std::unique_ptr<Log>> log =
      Log::Open(file_system, dir,
                LogOptions{.segment_bytes = environment.log_segment_bytes,
                           .create = MayLackLog(spec, offset),
                           .needed_from = start.state->labels().needed_from(),
                           .needed_from_was_durable = WasDurable(start.snapshot),
                           .uid = UidOf(spec)});
  if (!log.ok()) return log;
  const RecoveryReport& report = (*log)->recovery_report();
  if (report.cut_bytes > 0) {
    spdlog::warn("event=log_tail_cut file={} bytes={} reason={}", JsonString(report.cut_path),
                 report.cut_bytes, JsonString(report.cut_reason));
  }
  for (const std::string& damage : report.ignored) {
    spdlog::error("event=log_damaged model={} error={}; recovery does not need it", spec.name(),
                  JsonString(damage));
  }
  return log;
}

// Whether the cause may be damage, so that a diagnosis may know a way out.
bool MayBeDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsInternal(status) || absl::IsInvalidArgument(status);
}

absl::StatusOr<std::shared_ptr<ServedModel>> TryToRecover(const ModelEnvironment& environment,
                                                          const std::string& folder,
                                                          RecoveryProgress& progress) {
  const DataDir& data_dir = environment.data_dir;
  RecoveredModel model;
  absl::StatusOr<Manifest> manifest =
      ReadManifestFile(data_dir.file_system(), data_dir.ModelDir(folder));
  if (!manifest.ok()) return manifest.status();
  absl::Status status = CheckManifestFolder(manifest->spec, data_dir.ModelDir(folder));
  if (!status.ok()) return status;
  model.spec = manifest->spec;
  auto snapshots =
      SnapshotStore::Open(data_dir.file_system(), data_dir.SnapshotDir(folder), model.spec);
  if (!snapshots.ok()) return snapshots.status();
  model.snapshots = *std::move(snapshots);
  status = CheckWithSnapshots(*manifest, *model.snapshots);
  if (!status.ok()) return status;
  absl::StatusOr<StartState> start = LoadNewestState(model.spec, *model.snapshots);
  if (!start.ok()) return start.status();
  const bool logged = model.spec.durability() != v1::DURABILITY_NONE;
  if (!logged) status = CheckNoneLost(environment, model.spec, *start, *model.snapshots);
  if (!status.ok()) return status;
  const uint64_t snapshot_offset = start->state->offset();
  const absl::Time begin = environment.clock();
  if (logged) {
    absl::StatusOr<std::unique_ptr<Log>> log = OpenLog(environment, model.spec, *start);
    if (!log.ok()) return log.status();
    model.log = *std::move(log);
  }
  model.state = std::move(start->state);
  model.state->names()->SetCapacity(environment.max_names);
  model.challengers = model.state->TakeChallengers();
  model.predictor = std::make_shared<Predictor>(model.state->champion());
  if (environment.predict_while_recovering && snapshot_offset > 0) {
    progress.predictor.Store(model.predictor);
  }
  if (logged) {
    status = ReplayLog(model, environment.clock, progress);
    if (!status.ok()) return status;
  }
  MendManifest(environment, *model.state, manifest->has_checksum, model.spec);
  if (model.state->offset() > 0) {
    spdlog::info(
        "event=recovered model={} snapshot_offset={} offset={} examples={} replay_bytes={} "
        "replay_ms={:.1f}",
        model.spec.name(), snapshot_offset, model.state->offset(), model.state->example_count(),
        model.replayed_bytes, absl::ToDoubleMilliseconds(environment.clock() - begin));
  }
  return ServedModel::Start(environment, std::move(model));
}

}  // namespace

absl::StatusOr<std::shared_ptr<ServedModel>> RecoverModel(const ModelEnvironment& environment,
                                                          const std::string& folder,
                                                          RecoveryProgress& progress) {
  absl::StatusOr<std::shared_ptr<ServedModel>> model = TryToRecover(environment, folder, progress);
  if (model.ok() || !MayBeDamage(model.status())) return model;
  const absl::StatusOr<ModelDiagnosis> diagnosis =
      DiagnoseModel(environment.data_dir.file_system(), environment.data_dir.ModelDir(folder));
  if (!diagnosis.ok() || !diagnosis->hinders()) return model;
  return absl::DataLossError(diagnosis->Explain());
}

}  // namespace freshet
