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

absl::StatusOr<std::shared_ptr<const BatchRecord>> ParseBatch(RecordKind kind, ByteSpan payload,
                                                              LossKind loss) {
  constexpr BatchLimits kNoLimits{
      .max_examples = UINT32_MAX, .max_example_features = UINT32_MAX, .label_required = false};
  std::optional<BatchEnvelope> envelope;
  if (kind != RecordKind::kOldBatch) {
    envelope = TakeEnvelope(payload);
    if (!envelope) return absl::DataLossError("it is not a batch in an envelope");
  }
  std::unique_ptr<BatchRecord> batch = BatchRecord::Parse(SharedBytes(payload, nullptr));
  const BatchOrder order = envelope ? BatchOrder::kCanonical : BatchOrder::kAsSent;
  v1::BatchError error;
  if (batch == nullptr || !batch->Decode(loss, kNoLimits, error, order)) {
    return absl::DataLossError(StrCat("it is not a batch: ", error.message()));
  }
  if (envelope) batch->set_envelope(*std::move(envelope));
  return batch;
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

// Takes the time off the front of a payload, if records of this kind have one.
absl::Status TakeTime(RecordKind kind, ByteSpan& payload, int64_t& time_ms) {
  if (kind < RecordKind::kBatch) return absl::OkStatus();
  const auto time = TakeNumber<int64_t>(payload);
  if (!time || *time < 0) return absl::DataLossError("it does not begin with a time");
  time_ms = *time;
  return absl::OkStatus();
}

}  // namespace

EncodedRecord FormatRecord(const Record& record) {
  EncodedRecord out;
  AppendNumber<int64_t>(record.time_ms, out.head);
  std::visit([&out](const auto& body) { Format(body, out); }, record.body);
  return out;
}

absl::StatusOr<Record> ParseRecord(RecordKind kind, ByteSpan payload, LossKind loss) {
  if (kind > RecordKind::kRestore) {
    return absl::DataLossError(
        "its kind is unknown; if a newer freshet used this folder, start that version");
  }
  Record record;
  if (absl::Status status = TakeTime(kind, payload, record.time_ms); !status.ok()) return status;
  switch (kind) {
    case RecordKind::kOldBatch:
    case RecordKind::kEnvelopedBatch:
    case RecordKind::kBatch: {
      auto batch = ParseBatch(kind, payload, loss);
      if (!batch.ok()) return batch.status();
      record.body = *std::move(batch);
      return record;
    }
    case RecordKind::kOldSettings:
    case RecordKind::kSettings: {
      auto settings = ParseSettings(payload);
      if (!settings.ok()) return settings.status();
      record.body = *std::move(settings);
      return record;
    }
    case RecordKind::kOldRestore:
    case RecordKind::kRestore:
      record.body = ParseRestorePayload(payload);
      return record;
  }
  return absl::DataLossError("its kind is 0, which no version writes");
}

}  // namespace freshet
