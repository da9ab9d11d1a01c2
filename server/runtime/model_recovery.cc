#include "server/runtime/model_recovery.h"

#include <google/protobuf/text_format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/codec/learn_message.h"
#include "server/log/log.h"
#include "server/runtime/learner_spec.h"
#include "server/runtime/model_state.h"

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

absl::StatusOr<std::unique_ptr<ModelState>> LoadState(const v1::Model& spec,
                                                      std::string_view snapshot_id,
                                                      SnapshotStore& snapshots) {
  absl::StatusOr<LoadedSnapshot> loaded = snapshots.Load(snapshot_id);
  if (!loaded.ok()) return loaded.status();
  absl::StatusOr<std::unique_ptr<ModelState>> state = ModelState::Create(spec);
  if (!state.ok()) return state;
  if (absl::Status status = (*state)->Load(loaded->payload()); !status.ok()) {
    return absl::Status(status.code(),
                        StrCat(snapshots.PathOf(snapshot_id), ": ", ToStd(status.message())));
  }
  return state;
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
    const std::string& name = header.snapshot().name();
    auto state = LoadState(spec, std::string_view(name).substr(name.rfind('/') + 1), snapshots);
    if (state.ok() || absl::IsResourceExhausted(state.status())) return state;
    spdlog::error("event=snapshot_damaged model={} snapshot={} error=\"{}\"; trying the one before",
                  spec.name(), name, std::string(state.status().message()));
  }
  return ModelState::Create(spec);
}

absl::Status DamagedRecord(const v1::Model& spec, uint64_t offset, std::string_view reason) {
  return absl::DataLossError(StrCat("the log of ", spec.name(), " holds a record at offset ",
                                    offset, " that cannot be replayed: ", reason));
}

// Applies one record of the log.
absl::Status Replay(const v1::Model& spec, const LogRecord& record, SnapshotStore& snapshots,
                    ModelState& state, std::vector<float>& scores) {
  constexpr BatchLimits kNoLimits{.max_examples = UINT32_MAX, .max_example_features = UINT32_MAX};
  switch (record.kind) {
    case RecordKind::kBatch: {
      std::vector<grpc::Slice> bytes;
      bytes.emplace_back(record.payload.data(), record.payload.size(), grpc::Slice::STATIC_SLICE);
      const std::unique_ptr<LearnMessage> message = LearnMessage::Parse(std::move(bytes));
      v1::BatchError error;
      const LossKind loss = LossKindOf(spec.variants(0).learner());
      if (message == nullptr || !message->DecodeBatch(loss, kNoLimits, error)) {
        return DamagedRecord(spec, record.offset, error.message());
      }
      scores.resize(message->examples().size());
      state.ApplyBatch(message->examples(), message->request().producer_id(),
                       message->request().sequence(), scores);
      return absl::OkStatus();
    }
    case RecordKind::kRestore: {
      const std::string id(reinterpret_cast<const char*>(record.payload.data()),
                           record.payload.size());
      auto restored = LoadState(spec, id, snapshots);
      if (!restored.ok()) {
        return DamagedRecord(spec, record.offset, ToStd(restored.status().message()));
      }
      state.ApplyRestore(*std::move(restored));
      return absl::OkStatus();
    }
    case RecordKind::kModel:
      break;
  }
  return DamagedRecord(spec, record.offset,
                       "its kind is not known here; was the folder used by a newer version?");
}

// Applies all records from the state's offset on.
absl::Status ReplayLog(const v1::Model& spec, Log& log, SnapshotStore& snapshots,
                       ModelState& state) {
  if (state.offset() < log.first_offset()) {
    return absl::DataLossError(
        StrCat("the log of ", spec.name(), " begins at offset ", log.first_offset(),
               ", and no snapshot that can be read reaches it (the best is at ", state.offset(),
               "); put a good copy of a snapshot into the model's folder"));
  }
  if (state.offset() > log.next_offset()) {
    spdlog::warn(
        "event=log_behind model={} log_offset={} snapshot_offset={}; going on from the "
        "snapshot",
        spec.name(), log.next_offset(), state.offset());
    return log.SkipTo(state.offset());
  }
  absl::StatusOr<std::unique_ptr<LogReader>> reader = log.NewReader(state.offset());
  if (!reader.ok()) return reader.status();
  std::vector<float> scores;
  while (true) {
    absl::StatusOr<std::optional<LogRecord>> record = (*reader)->Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) return absl::OkStatus();
    if (absl::Status status = Replay(spec, **record, snapshots, state, scores); !status.ok()) {
      return status;
    }
  }
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
                                                           const std::string& model_id) {
  absl::StatusOr<v1::Model> spec = ReadManifest(environment, model_id);
  if (!spec.ok()) return spec.status();
  auto snapshots = SnapshotStore::Open(environment.data_dir.file_system(),
                                       environment.data_dir.SnapshotDir(model_id));
  if (!snapshots.ok()) return snapshots.status();
  absl::StatusOr<std::unique_ptr<ModelState>> state = LoadNewestState(*spec, **snapshots);
  if (!state.ok()) return state.status();
  const uint64_t snapshot_offset = (*state)->offset();
  std::unique_ptr<Log> log;
  const absl::Time begin = environment.clock();
  if (spec->durability() != v1::DURABILITY_NONE) {
    absl::StatusOr<std::unique_ptr<Log>> opened = OpenLog(environment, model_id);
    if (!opened.ok()) return opened.status();
    log = *std::move(opened);
    absl::Status status = ReplayLog(*spec, *log, **snapshots, **state);
    if (!status.ok()) return status;
  } else if (snapshot_offset == 0 && !(*snapshots)->damaged().empty()) {
    return absl::DataLossError(StrCat(
        spec->name(),
        " has snapshots, and none can be read: ", (*snapshots)->damaged().front().path,
        "; put a good copy there, or remove the ", "damaged files to start the model empty"));
  }
  if ((*state)->offset() > 0) {
    spdlog::info(
        "event=recovered model={} snapshot_offset={} offset={} examples={} replay_ms={:.1f}",
        spec->name(), snapshot_offset, (*state)->offset(), (*state)->example_count(),
        absl::ToDoubleMilliseconds(environment.clock() - begin));
  }
  return ModelRuntime::Start(environment, model_id, *std::move(spec), *std::move(snapshots),
                             std::move(log), *std::move(state));
}

}  // namespace freshet
