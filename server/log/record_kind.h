// What a log record is.

#ifndef FRESHET_SERVER_LOG_RECORD_KIND_H_
#define FRESHET_SERVER_LOG_RECORD_KIND_H_

#include <cstdint>

namespace freshet {

// The numbers stand in files and never change. The log itself keeps any kind; whoever replays the
// records refuses one that it does not know.
enum class RecordKind : uint16_t {
  kBatch = 1,    // Examples that were accepted, with their producer and sequence.
  kModel = 2,    // The model's settings were changed; what they are from here on.
  kRestore = 3,  // The model was put back to a snapshot; which.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_RECORD_KIND_H_
