#include "server/log/restore_payload.h"

#include <cstring>
#include <string_view>

namespace freshet {

std::string FormatRestorePayload(const RestorePayload& restore) {
  std::string payload = restore.snapshot_id;
  if (!restore.file_checksum.has_value()) return payload;
  payload.push_back('\0');
  payload.append(reinterpret_cast<const char*>(&*restore.file_checksum), sizeof(uint64_t));
  return payload;
}

RestorePayload ParseRestorePayload(ByteSpan payload) {
  const std::string_view bytes(reinterpret_cast<const char*>(payload.data()), payload.size());
  const size_t end = bytes.find('\0');
  RestorePayload restore{.snapshot_id = std::string(bytes.substr(0, end)), .file_checksum = {}};
  if (end != std::string_view::npos && bytes.size() == end + 1 + sizeof(uint64_t)) {
    uint64_t checksum = 0;
    std::memcpy(&checksum, bytes.data() + end + 1, sizeof(checksum));
    restore.file_checksum = checksum;
  }
  return restore;
}

}  // namespace freshet
