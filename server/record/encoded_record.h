// A record as the log stores it: a kind, and bytes that the log does not look into.

#ifndef FRESHET_SERVER_RECORD_ENCODED_RECORD_H_
#define FRESHET_SERVER_RECORD_ENCODED_RECORD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "server/file/file_system.h"

namespace freshet {

// The numbers are stored in files and never change; server/record/FORMAT.md gives the bytes of each
// kind. The log itself keeps any kind; replay refuses one that it does not know. The numbers 11 to
// 13 are reserved for variants that are added, removed and promoted.
enum class RecordKind : uint16_t {
  // Written by older servers: no record says when it was sequenced.
  kOldBatch = 1,  // A batch without an envelope.
  kOldSettings = 2,
  kOldRestore = 3,
  kEnvelopedBatch = 4,  // A batch with an envelope.

  kBatch = 5,     // Examples that were accepted, and what was decided with them.
  kSettings = 6,  // The model's settings from this record on.
  kRestore = 7,   // The model was put back to the snapshot that is named here.
  kEvents = 8,    // Examples whose labels come later.
  kFeedback = 9,  // What happened to events.
  kLabels = 10,   // The labels of events, as they were decided.
};

// Whether the record is one of many, as clients send them, and so is logged as the model's
// durability says. Changes of the model itself are rare, and are always synced.
inline bool IsFrequent(RecordKind kind) {
  return kind == RecordKind::kBatch || kind == RecordKind::kEnvelopedBatch ||
         kind == RecordKind::kOldBatch || kind == RecordKind::kEvents ||
         kind == RecordKind::kFeedback || kind == RecordKind::kLabels;
}

// Bytes that never change, with a reference to their owner that keeps it alive. Copies are cheap
// and share the owner. Thread-safe in the way of std::shared_ptr.
class SharedBytes {
 public:
  SharedBytes() = default;
  // Bytes that `owner` keeps alive; if it is null, the caller has to.
  SharedBytes(ByteSpan bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}

  static SharedBytes Of(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    const ByteSpan bytes = std::as_bytes(std::span(*owner));
    return {bytes, std::move(owner)};
  }

  ByteSpan bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }

 private:
  ByteSpan bytes_;
  std::shared_ptr<const void> owner_;
};

// One record to be appended. Its payload is `head`, which holds what the sequencer decided, and
// then `tail`, which holds what a client sent and is not copied.
struct EncodedRecord {
  RecordKind kind{};
  std::string head;
  SharedBytes tail;

  size_t size() const { return head.size() + tail.size(); }
  // Refers to this record.
  std::array<ByteSpan, 2> pieces() const { return {std::as_bytes(std::span(head)), tail.bytes()}; }
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RECORD_ENCODED_RECORD_H_
