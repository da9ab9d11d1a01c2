// The payload of a kRestore record (see server/log/FORMAT.md).

#ifndef FRESHET_SERVER_LOG_RESTORE_PAYLOAD_H_
#define FRESHET_SERVER_LOG_RESTORE_PAYLOAD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "server/file/file_system.h"

namespace freshet {

// Which snapshot a record restores.
struct RestorePayload {
  std::string snapshot_id;
  // The checksum that ends the snapshot's file, so that another one that bears the id by then is
  // not taken for it. Absent in records of older servers.
  std::optional<uint64_t> file_checksum;
};

std::string FormatRestorePayload(const RestorePayload& restore);

// Never fails: what is no id is found to be none by whoever looks for the snapshot.
RestorePayload ParseRestorePayload(ByteSpan payload);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_RESTORE_PAYLOAD_H_
