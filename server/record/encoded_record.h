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

// The numbers stand in files and never change; server/record/FORMAT.md gives the bytes of each
// kind. The log itself keeps any kind; replay refuses one that it does not know. The numbers 8 to
// 13 are kept for the events, feedback and labels of delayed labels, and for variants that are
// added, removed and promoted.
enum class RecordKind : uint16_t {
  // Written by older servers: no record says when it was sequenced.
  kOldBatch = 1,  // A batch without an envelope.
  kOldSettings = 2,
  kOldRestore = 3,
  kEnvelopedBatch = 4,  // A batch with an envelope.

  kBatch = 5,     // Examples that were accepted, and what was decided with them.
  kSettings = 6,  // The model's settings were changed; what they are from here on.
  kRestore = 7,   // The model was put back to a snapshot; which one.
};

// Whether the record holds examples.
inline bool IsBatch(RecordKind kind) {
  return kind == RecordKind::kBatch || kind == RecordKind::kEnvelopedBatch ||
         kind == RecordKind::kOldBatch;
}

// Bytes that never change, and their owner, which lives at least as long as a copy of this does.
// Copies are cheap and share the owner. Thread-safe as a std::shared_ptr is.
class SharedBytes {
 public:
  SharedBytes() = default;
  // Bytes that `owner` keeps alive. A null owner: the caller does.
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

// One record to be appended. Its payload is `head` and then `tail`: what the sequencer decided, and
// what a client sent, which is not copied.
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
