#include "server/registry/new_model.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "core/base/str_cat.h"
#include "core/format/input_mapping_message.h"
#include "google/protobuf/util/time_util.h"
#include "server/file/model_folder.h"
#include "server/log/log.h"
#include "server/model/imported_snapshot.h"
#include "server/model/model_manifest.h"
#include "server/record/record.h"
#include "server/snapshot/snapshot_store.h"
#include "server/view/label_rule_check.h"
#include "server/view/learner_spec.h"
#include "server/view/model_state.h"

namespace freshet {
namespace {

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

absl::Status AddMainVariant(const v1::Model& requested, v1::Model& spec) {
  if (requested.variants_size() > 1) {
    return absl::InvalidArgumentError("a new model has one variant, main; add others later");
  }
  v1::LearnerSpec learner;
  if (requested.variants_size() == 1) learner = requested.variants(0).learner();
  absl::StatusOr<v1::LearnerSpec> resolved = ResolveNewLearnerSpec(learner);
  if (!resolved.ok()) return resolved.status();
  v1::Variant& variant = *spec.add_variants();
  variant.set_name(StrCat(spec.name(), "/variants/main"));
  *variant.mutable_learner() = *std::move(resolved);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Log>> CreateLog(const ModelEnvironment& environment,
                                               const v1::Model& spec, const std::string& log_dir) {
  return Log::Open(environment.data_dir.file_system(), log_dir,
                   LogOptions{.segment_bytes = environment.log_segment_bytes, .uid = UidOf(spec)});
}

// The first record of a model that is created from a snapshot: it restores the origin.
Record FirstRecord(const v1::Model& spec, const v1::SnapshotFileHeader& origin) {
  const int64_t created_ms =
      google::protobuf::util::TimeUtil::TimestampToMilliseconds(spec.create_time());
  return {.time_ms = std::max<int64_t>(0, created_ms),
          .body = RestoreRecord{.snapshot_id = std::string(SnapshotIdOf(origin)),
                                .file_checksum = origin.file_checksum()}};
}

// Creates a log that begins with that record.
absl::Status WriteFirstRecord(const ModelEnvironment& environment, const v1::Model& spec,
                              const v1::SnapshotFileHeader& origin, const std::string& log_dir) {
  absl::StatusOr<std::unique_ptr<Log>> log = CreateLog(environment, spec, log_dir);
  if (!log.ok()) return log.status();
  const EncodedRecord record = FormatRecord(FirstRecord(spec, origin));
  if (auto offset = (*log)->Append(record.kind, record.pieces()); !offset.ok()) {
    return offset.status();
  }
  return (*log)->Sync();
}

// Writes a snapshot of the state after the first record, as a restore does.
absl::Status WriteFirstSnapshot(const ModelEnvironment& environment, const v1::Model& spec,
                                const v1::SnapshotFileHeader& origin,
                                std::unique_ptr<ModelState> restored, SnapshotStore& snapshots) {
  absl::StatusOr<std::unique_ptr<ModelState>> state = ModelState::Create(spec);
  if (!state.ok()) return state.status();
  (*state)->Apply(FirstRecord(spec, origin), std::move(restored));
  v1::SnapshotFileHeader header;
  *header.mutable_model() = spec;
  v1::Snapshot& snapshot = *header.mutable_snapshot();
  snapshot.set_name(StrCat(spec.name(), "/snapshots/s000001"));
  snapshot.set_trigger(v1::SNAPSHOT_TRIGGER_RESTORE);
  snapshot.set_offset((*state)->offset());
  snapshot.set_example_count((*state)->example_count());
  *snapshot.mutable_create_time() = spec.create_time();
  header.set_server_version(environment.server_version);
  header.set_state_version(ModelState::kVersion);
  const SavedState saved = (*state)->Save();
  return snapshots.Write(std::move(header), FrameState(saved).pieces).status();
}

// Writes the origin's snapshot, and the log or snapshot that restores it, to a new model's folders.
absl::Status FillFromOrigin(const ModelEnvironment& environment, const v1::Model& spec,
                            const LoadedSnapshot& origin, const std::string& log_dir,
                            const std::string& snapshot_dir) {
  absl::StatusOr<std::unique_ptr<ModelState>> state = LoadImportedState(spec, origin);
  if (!state.ok()) return state.status();
  const auto snapshots =
      SnapshotStore::Open(environment.data_dir.file_system(), snapshot_dir, spec);
  if (!snapshots.ok()) return snapshots.status();
  const std::array<ByteSpan, 1> payload = {origin.payload()};
  const auto written = (*snapshots)
                           ->Write(ImportedHeader(origin.header(), spec, kOriginSnapshotId,
                                                  environment.server_version),
                                   payload);
  if (!written.ok()) return written.status();
  if (spec.durability() != v1::DURABILITY_NONE) {
    return WriteFirstRecord(environment, spec, *written, log_dir);
  }
  return WriteFirstSnapshot(environment, spec, *written, *std::move(state), **snapshots);
}

}  // namespace

absl::StatusOr<v1::Model> MakeModelSpec(std::string_view model_id, const v1::Model& requested,
                                        const LoadedSnapshot* origin, absl::Time now) {
  v1::Model spec;
  spec.set_name(StrCat("models/", model_id));
  spec.set_uid(FormatUid(RandomUid()));
  spec.set_durability(requested.durability() == v1::DURABILITY_UNSPECIFIED
                          ? v1::DURABILITY_FSYNC
                          : requested.durability());
  if (requested.has_log_retention()) *spec.mutable_log_retention() = requested.log_retention();
  if (requested.has_input()) {
    absl::Status status = CheckInputMapping(InputMappingOf(requested.input()));
    if (!status.ok()) return status;
    *spec.mutable_input() = requested.input();
  } else if (origin != nullptr && origin->header().model().has_input()) {
    *spec.mutable_input() = origin->header().model().input();
  }
  *spec.mutable_create_time() = ToTimestamp(now);
  if (origin != nullptr && requested.variants_size() > 0) {
    return absl::InvalidArgumentError(
        "a model that is created from a snapshot has the snapshot's learners; leave out variants");
  }
  absl::Status status =
      origin == nullptr ? AddMainVariant(requested, spec) : TakeVariants(origin->header(), spec);
  if (!status.ok()) return status;
  if (spec.variants_size() > 1 && spec.durability() == v1::DURABILITY_NONE) {
    return absl::InvalidArgumentError(
        "a model with challengers needs a log, which they read when they are behind; choose "
        "DURABILITY_FSYNC or DURABILITY_OS");
  }
  if (requested.has_label_rule()) {
    absl::StatusOr<v1::LabelRule> rule = ResolveLabelRule(requested.label_rule(), spec);
    if (!rule.ok()) return rule.status();
    *spec.mutable_label_rule() = *std::move(rule);
  }
  return spec;
}

absl::Status CreateModelFiles(const ModelEnvironment& environment, const v1::Model& spec,
                              const LoadedSnapshot* origin) {
  return environment.data_dir.CreateModel(
      FolderOf(spec), FormatManifest(spec),
      [&](const std::string& log_dir, const std::string& snapshot_dir) {
        if (origin == nullptr) {
          // The log is created with its first segment, so that a log without segments is known to
          // have lost them.
          return spec.durability() == v1::DURABILITY_NONE
                     ? absl::OkStatus()
                     : CreateLog(environment, spec, log_dir).status();
        }
        return FillFromOrigin(environment, spec, *origin, log_dir, snapshot_dir);
      });
}

}  // namespace freshet
