#include "server/record/record.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/base/byte_text.h"
#include "core/base/str_cat.h"
#include "server/record/model_settings.h"

namespace freshet {
namespace {

constexpr size_t kMaxSenderBytes = 255;

// Takes a number off the front of `bytes`; nothing if there are too few.
template <typename Number>
std::optional<Number> TakeNumber(ByteSpan& bytes) {
  if (bytes.size() < sizeof(Number)) return std::nullopt;
  Number number{};
  std::memcpy(&number, bytes.data(), sizeof(Number));
  bytes = bytes.subspan(sizeof(Number));
  return number;
}

void AppendEnvelope(const BatchEnvelope& envelope, std::string& bytes) {
  AppendNumber<uint32_t>(envelope.max_producers, bytes);
  const size_t sender_bytes = std::min(envelope.sender.size(), kMaxSenderBytes);
  AppendNumber<uint8_t>(static_cast<uint8_t>(sender_bytes), bytes);
  bytes.append(envelope.sender, 0, sender_bytes);
}

// Takes an envelope off the front of `bytes`; nothing if there is none.
std::optional<BatchEnvelope> TakeEnvelope(ByteSpan& bytes) {
  const auto max_producers = TakeNumber<uint32_t>(bytes);
  const auto sender_bytes = TakeNumber<uint8_t>(bytes);
  if (!sender_bytes || *max_producers == 0 || bytes.size() < *sender_bytes) return std::nullopt;
  BatchEnvelope envelope{.sender = std::string(TextOfBytes(bytes.first(*sender_bytes))),
                         .max_producers = *max_producers};
  bytes = bytes.subspan(*sender_bytes);
  return envelope;
}

absl::StatusOr<std::shared_ptr<const BatchRecord>> DecodeLogged(
    ByteSpan payload, std::optional<BatchEnvelope> envelope, LossKind loss) {
  constexpr BatchLimits kNoLimits{
      .max_examples = UINT32_MAX, .max_example_features = UINT32_MAX, .label_required = false};
  std::unique_ptr<BatchRecord> batch = BatchRecord::Parse(SharedBytes(payload, nullptr));
  const BatchOrder order = envelope ? BatchOrder::kCanonical : BatchOrder::kAsSent;
  v1::BatchError error;
  if (batch == nullptr || !batch->Decode(loss, kNoLimits, error, order)) {
    return absl::DataLossError(StrCat("it is not a batch: ", error.message()));
  }
  if (envelope) batch->set_envelope(*std::move(envelope));
  return batch;
}

absl::StatusOr<std::shared_ptr<const BatchRecord>> ParseBatch(RecordKind kind, ByteSpan payload,
                                                              LossKind loss) {
  std::optional<BatchEnvelope> envelope;
  if (kind != RecordKind::kOldBatch) {
    envelope = TakeEnvelope(payload);
    if (!envelope) return absl::DataLossError("it is not a batch in an envelope");
  }
  return DecodeLogged(payload, std::move(envelope), loss);
}

absl::StatusOr<EventsRecord> ParseEvents(ByteSpan payload, LossKind loss) {
  std::optional<BatchEnvelope> envelope = TakeEnvelope(payload);
  const auto note_bytes = TakeNumber<uint32_t>(payload);
  EventsRecord record;
  if (!envelope || !note_bytes || payload.size() < *note_bytes ||
      !record.note.ParseFromArray(payload.data(), static_cast<int>(*note_bytes))) {
    return absl::DataLossError("it does not hold events in an envelope");
  }
  auto rows = DecodeLogged(payload.subspan(*note_bytes), std::move(envelope), loss);
  if (!rows.ok()) return rows.status();
  record.rows = *std::move(rows);
  v1::BatchError error;
  if (!CheckEvents(record.rows->request(), record.size(), error)) {
    return absl::DataLossError(StrCat("it does not hold events: ", error.message()));
  }
  const int scores = record.note.scores_size();
  if (scores != 0 && static_cast<size_t>(scores) != record.size()) {
    return absl::DataLossError("it does not hold a score for each event");
  }
  return record;
}

absl::StatusOr<FeedbackRecord> ParseFeedbackPayload(ByteSpan payload) {
  std::optional<BatchEnvelope> envelope = TakeEnvelope(payload);
  if (!envelope) return absl::DataLossError("it is not feedback in an envelope");
  FeedbackRecord record = ParseFeedback(SharedBytes(payload, nullptr));
  if (record.request == nullptr) return absl::DataLossError("it does not hold feedback");
  record.envelope = *std::move(envelope);
  return record;
}

absl::StatusOr<LabelsRecord> ParseLabels(ByteSpan payload) {
  auto note = std::make_shared<v1::LabelsNote>();
  if (!note->ParseFromArray(payload.data(), static_cast<int>(payload.size())) ||
      note->number() == 0) {
    return absl::DataLossError("it does not hold a decision about labels");
  }
  return LabelsRecord{.note = std::move(note), .rows = nullptr};
}

absl::StatusOr<SettingsRecord> ParseSettings(ByteSpan payload) {
  v1::Model settings;
  if (!settings.ParseFromArray(payload.data(), static_cast<int>(payload.size())) ||
      settings.durability() == v1::DURABILITY_UNSPECIFIED) {
    return absl::DataLossError("it does not hold the settings of a model");
  }
  return SettingsRecord{SettingsOf(settings)};
}

RestoreRecord ParseRestorePayload(ByteSpan payload) {
  const std::string_view bytes = TextOfBytes(payload);
  const size_t end = bytes.find('\0');
  RestoreRecord restore{.snapshot_id = std::string(bytes.substr(0, end)), .file_checksum = {}};
  if (end != std::string_view::npos && bytes.size() == end + 1 + sizeof(uint64_t)) {
    ByteSpan checksum = payload.subspan(end + 1);
    restore.file_checksum = TakeNumber<uint64_t>(checksum);
  }
  return restore;
}

void Format(const std::shared_ptr<const BatchRecord>& batch, EncodedRecord& out) {
  out.kind = RecordKind::kBatch;
  AppendEnvelope(*batch->envelope(), out.head);
  out.tail = SharedBytes(batch->wire_bytes(), batch);
}

void Format(const SettingsRecord& record, EncodedRecord& out) {
  out.kind = RecordKind::kSettings;
  record.settings.AppendToString(&out.head);
}

void Format(const RestoreRecord& record, EncodedRecord& out) {
  out.kind = RecordKind::kRestore;
  out.head += record.snapshot_id;
  if (!record.file_checksum.has_value()) return;
  out.head.push_back('\0');
  AppendNumber<uint64_t>(*record.file_checksum, out.head);
}

void Format(const EventsRecord& record, EncodedRecord& out) {
  out.kind = RecordKind::kEvents;
  AppendEnvelope(*record.rows->envelope(), out.head);
  AppendNumber<uint32_t>(static_cast<uint32_t>(record.note.ByteSizeLong()), out.head);
  record.note.AppendToString(&out.head);
  out.tail = SharedBytes(record.rows->wire_bytes(), record.rows);
}

void Format(const FeedbackRecord& record, EncodedRecord& out) {
  out.kind = RecordKind::kFeedback;
  AppendEnvelope(record.envelope, out.head);
  out.tail = record.wire;
}

void Format(const LabelsRecord& record, EncodedRecord& out) {
  out.kind = RecordKind::kLabels;
  record.note->AppendToString(&out.head);
}

uint64_t MemoryOf(const std::shared_ptr<const BatchRecord>& batch) { return batch->memory_bytes(); }
uint64_t MemoryOf(const SettingsRecord& record) { return record.settings.SpaceUsedLong(); }
uint64_t MemoryOf(const RestoreRecord& record) { return record.snapshot_id.size(); }
uint64_t MemoryOf(const EventsRecord& record) {
  return record.rows->memory_bytes() + record.note.SpaceUsedLong();
}
uint64_t MemoryOf(const FeedbackRecord& record) {
  return record.wire.size() + record.request->SpaceUsedLong();
}
uint64_t MemoryOf(const LabelsRecord& record) {
  return record.note->SpaceUsedLong() + (record.rows == nullptr ? 0 : record.rows->memory_bytes);
}

// Takes the time off the front of a payload, if records of this kind have one.
absl::Status TakeTime(RecordKind kind, ByteSpan& payload, int64_t& time_ms) {
  if (kind < RecordKind::kBatch) return absl::OkStatus();
  const auto time = TakeNumber<int64_t>(payload);
  if (!time || *time < 0) return absl::DataLossError("it does not begin with a time");
  time_ms = *time;
  return absl::OkStatus();
}

// The record with the body that was read, or why it could not be.
template <typename Body>
absl::StatusOr<Record> WithBody(Record record, absl::StatusOr<Body> body) {
  if (!body.ok()) return body.status();
  record.body = *std::move(body);
  return record;
}

}  // namespace

uint64_t Record::memory_bytes() const {
  return sizeof(Record) + std::visit([](const auto& kept) { return MemoryOf(kept); }, body);
}

EncodedRecord FormatRecord(const Record& record) {
  EncodedRecord out;
  AppendNumber<int64_t>(record.time_ms, out.head);
  std::visit([&out](const auto& body) { Format(body, out); }, record.body);
  return out;
}

absl::StatusOr<Record> ParseRecord(RecordKind kind, ByteSpan payload, LossKind loss) {
  if (kind > RecordKind::kLabels) {
    return absl::DataLossError(
        "its kind is unknown; if a newer freshet used this folder, start that version");
  }
  Record record;
  if (absl::Status status = TakeTime(kind, payload, record.time_ms); !status.ok()) return status;
  switch (kind) {
    case RecordKind::kOldBatch:
    case RecordKind::kEnvelopedBatch:
    case RecordKind::kBatch:
      return WithBody(std::move(record), ParseBatch(kind, payload, loss));
    case RecordKind::kOldSettings:
    case RecordKind::kSettings:
      return WithBody(std::move(record), ParseSettings(payload));
    case RecordKind::kOldRestore:
    case RecordKind::kRestore:
      record.body = ParseRestorePayload(payload);
      return record;
    case RecordKind::kEvents:
      return WithBody(std::move(record), ParseEvents(payload, loss));
    case RecordKind::kFeedback:
      return WithBody(std::move(record), ParseFeedbackPayload(payload));
    case RecordKind::kLabels:
      return WithBody(std::move(record), ParseLabels(payload));
  }
  return absl::DataLossError("its kind is 0, which no version writes");
}

}  // namespace freshet
