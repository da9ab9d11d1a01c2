// What a log record is.

#ifndef FRESHET_SERVER_LOG_RECORD_KIND_H_
#define FRESHET_SERVER_LOG_RECORD_KIND_H_

#include <cstdint>

namespace freshet {

// The numbers stand in files and never change. The log itself keeps any kind; whoever replays the
// records refuses one that it does not know.
enum class RecordKind : uint16_t {
  kBatch = 1,           // As kEnvelopedBatch, without envelope: what servers before it wrote.
  kModel = 2,           // The model's settings were changed; what they are from here on.
  kRestore = 3,         // The model was put back to a snapshot; which.
  kEnvelopedBatch = 4,  // Examples that were accepted, and what was decided with them.
};

// Whether it is a record of examples.
inline bool IsBatch(RecordKind kind) {
  return kind == RecordKind::kBatch || kind == RecordKind::kEnvelopedBatch;
}

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_RECORD_KIND_H_
