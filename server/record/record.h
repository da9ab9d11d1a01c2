// The records of a model's log: one type for each kind. Only this file turns records into bytes and
// back, for records that are being accepted and for replay alike. server/record/FORMAT.md gives the
// layout of the bytes.

#ifndef FRESHET_SERVER_RECORD_RECORD_H_
#define FRESHET_SERVER_RECORD_RECORD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "core/loss/loss_kind.h"
#include "freshet/v1/model.pb.h"
#include "server/record/batch_record.h"
#include "server/record/encoded_record.h"
#include "server/record/events_record.h"

namespace freshet {

// The model's settings were changed.
struct SettingsRecord {
  v1::Model settings;  // From this record on; nothing else is set (see SettingsOf()).
};

// The model was put back to a snapshot of its own.
struct RestoreRecord {
  std::string snapshot_id;
  // The checksum at the end of the snapshot's file. It tells the snapshot from another one that was
  // given the same id later. Absent in records of older servers.
  std::optional<uint64_t> file_checksum;
};

using RecordBody = std::variant<std::shared_ptr<const BatchRecord>, SettingsRecord, RestoreRecord,
                                EventsRecord, FeedbackRecord, LabelsRecord>;

// A record without its offset, which the log knows.
struct Record {
  // When the record was sequenced, in milliseconds since 1970; never less than in the record
  // before. 0 if an older server wrote the record, since those noted no time.
  int64_t time_ms = 0;
  RecordBody body;

  // Null if the record is no batch.
  const BatchRecord* batch() const {
    const auto* const batch = std::get_if<std::shared_ptr<const BatchRecord>>(&body);
    return batch == nullptr ? nullptr : batch->get();
  }

  // About the memory that the record takes.
  uint64_t memory_bytes() const;
};

// REQUIRES: a batch has an envelope.
EncodedRecord FormatRecord(const Record& record);

// Reads a record's payload, which must outlive the record. A batch is decoded for a model with this
// loss. No limits apply: a batch that was accepted under other limits was learned, too. DATA_LOSS
// if the kind is not known or the payload does not fit it. A decision about labels is read without
// the rows that it refers to.
absl::StatusOr<Record> ParseRecord(RecordKind kind, ByteSpan payload, LossKind loss);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECORD_RECORD_H_
