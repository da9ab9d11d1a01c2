#include "server/log/restore_payload.h"

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace freshet {
namespace {

RestorePayload Parse(const std::string& payload) {
  return ParseRestorePayload(std::as_bytes(std::span(payload)));
}

TEST(RestorePayloadTest, SaysWhichSnapshotAndWhichFile) {
  const uint64_t checksum = 0x00ff'1234'5678'9a00;  // Zero bytes among them.
  const RestorePayload parsed =
      Parse(FormatRestorePayload({.snapshot_id = "kept", .file_checksum = checksum}));
  EXPECT_EQ(parsed.snapshot_id, "kept");
  EXPECT_EQ(parsed.file_checksum, checksum);
}

TEST(RestorePayloadTest, RecordsOfOlderServersHoldTheIdAlone) {
  const RestorePayload parsed = Parse("kept");
  EXPECT_EQ(parsed.snapshot_id, "kept");
  EXPECT_EQ(parsed.file_checksum, std::nullopt);
  EXPECT_EQ(FormatRestorePayload(parsed), "kept");
}

}  // namespace
}  // namespace freshet
