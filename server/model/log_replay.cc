#include "server/model/log_replay.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/codec/learn_message.h"
#include "server/log/batch_envelope.h"
#include "server/log/restore_payload.h"
#include "server/view/learner_spec.h"
#include "server/view/model_settings.h"
#include "server/view/snapshot_state.h"

namespace freshet {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(5);

absl::Status DamagedRecord(const v1::Model& spec, uint64_t offset, std::string_view reason) {
  return absl::DataLossError(StrCat("the log of ", spec.name(), " holds a record at offset ",
                                    offset, " that cannot be replayed: ", reason));
}

absl::Status ApplyBatch(RecoveredModel& model, const LogRecord& record,
                        std::vector<float>& scores) {
  const auto message = DecodeBatchRecord(record, LossKindOf(model.spec.variants(0).learner()));
  if (!message.ok()) {
    return DamagedRecord(model.spec, record.offset, ToStd(message.status().message()));
  }
  scores.resize((*message)->examples().size());
  model.state->ApplyBatch(**message, scores);
  return absl::OkStatus();
}

absl::Status ApplyRestore(RecoveredModel& model, const LogRecord& record) {
  RestorePayload target = ParseRestorePayload(record.payload);
  auto restored = LoadSnapshotState(model.spec, target, *model.snapshots);
  if (!restored.ok()) {
    return DamagedRecord(model.spec, record.offset, ToStd(restored.status().message()));
  }
  model.state->ApplyRestore(*std::move(restored));
  model.restores[record.offset] = std::move(target.snapshot_id);
  return absl::OkStatus();
}

absl::Status ApplySettings(RecoveredModel& model, const LogRecord& record) {
  absl::StatusOr<v1::Model> settings = ParseSettingsPayload(record.payload);
  if (!settings.ok()) {
    return DamagedRecord(model.spec, record.offset, ToStd(settings.status().message()));
  }
  model.state->ApplySettings(*std::move(settings));
  return absl::OkStatus();
}

absl::Status Apply(RecoveredModel& model, const LogRecord& record, std::vector<float>& scores) {
  switch (record.kind) {
    case RecordKind::kBatch:
    case RecordKind::kEnvelopedBatch:
      return ApplyBatch(model, record, scores);
    case RecordKind::kRestore:
      return ApplyRestore(model, record);
    case RecordKind::kModel:
      return ApplySettings(model, record);
  }
  return DamagedRecord(model.spec, record.offset,
                       "its kind is not known here; was the folder used by a newer version?");
}

}  // namespace

absl::StatusOr<std::unique_ptr<LearnMessage>> DecodeBatchRecord(const LogRecord& record,
                                                                LossKind loss) {
  // What was accepted was learned, whatever the limits are now.
  constexpr BatchLimits kNoLimits{
      .max_examples = UINT32_MAX, .max_example_features = UINT32_MAX, .label_required = false};
  std::optional<EnvelopedBatch> enveloped;
  if (record.kind == RecordKind::kEnvelopedBatch) {
    enveloped = ParseEnvelopedBatch(record.payload);
    if (!enveloped) return absl::DataLossError("it is no batch in an envelope");
  }
  const ByteSpan request = enveloped ? enveloped->request : record.payload;
  std::vector<grpc::Slice> bytes;
  bytes.emplace_back(request.data(), request.size(), grpc::Slice::STATIC_SLICE);
  std::unique_ptr<LearnMessage> message = LearnMessage::Parse(std::move(bytes));
  const BatchOrder order = enveloped ? BatchOrder::kCanonical : BatchOrder::kAsSent;
  v1::BatchError error;
  if (message == nullptr || !message->DecodeBatch(loss, kNoLimits, error, order)) {
    return absl::DataLossError(StrCat("it is no batch: ", error.message()));
  }
  if (enveloped) message->set_envelope(std::move(enveloped->envelope));
  return message;
}

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
    return model.log->SkipTo(state.offset());
  }
  absl::StatusOr<std::unique_ptr<LogReader>> reader = model.log->NewReader(state.offset());
  if (!reader.ok()) return reader.status();
  progress.end_offset = model.log->next_offset();
  absl::Time next_report = clock() + kReportInterval;
  std::vector<float> scores;
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
    if (!record->has_value()) return absl::OkStatus();
    if (absl::Status status = Apply(model, **record, scores); !status.ok()) return status;
    model.predictor->Publish(state);
    model.replayed_bytes += (*record)->payload.size();
  }
}

}  // namespace freshet
