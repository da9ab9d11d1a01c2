// Files that version 1 wrote: every later version must read them. See tests/data/golden/README.md.

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "server/snapshot/snapshot_store.h"
#include "tests/server/log/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

const std::filesystem::path kGolden = FRESHET_GOLDEN_DIR;

std::string ReadGolden(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What the golden snapshot holds.
v1::SnapshotFileHeader GoldenHeader() {
  v1::SnapshotFileHeader header;
  header.set_server_version("0.1.0");
  header.set_state_version(1);
  v1::Model& model = *header.mutable_model();
  model.set_name("models/ctr");
  model.set_durability(v1::DURABILITY_FSYNC);
  v1::Variant& variant = *model.add_variants();
  variant.set_name("models/ctr/variants/main");
  variant.mutable_learner()->set_loss(v1::LOSS_LOGISTIC);
  variant.mutable_learner()->mutable_adagrad()->set_epsilon(1);
  v1::Snapshot& snapshot = *header.mutable_snapshot();
  snapshot.set_name("models/ctr/snapshots/golden");
  snapshot.set_offset(1234);
  snapshot.set_example_count(567890);
  snapshot.mutable_create_time()->set_seconds(1'700'000'000);
  snapshot.set_trigger(v1::SNAPSHOT_TRIGGER_REQUEST);
  return header;
}

std::string GoldenState() {
  std::string state;
  for (int i = 0; i < 500; ++i) state += StrCat("state ", i, "\n");
  return state;
}

absl::StatusOr<v1::SnapshotFileHeader> WriteGoldenSnapshot(FileSystem& files,
                                                           const std::string& dir) {
  const auto store = SnapshotStore::Open(files, dir);
  if (!store.ok()) return store.status();
  const std::string state = GoldenState();
  const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(state))};
  return (*store)->Write(GoldenHeader(), pieces);
}

// A file system that holds the golden log.
std::unique_ptr<FaultFileSystem> GoldenLog() {
  auto files = std::make_unique<FaultFileSystem>();
  EXPECT_TRUE(files->CreateDir("/log").ok());
  for (const auto& entry : std::filesystem::directory_iterator(kGolden / "log_v1")) {
    files->WriteAll(StrCat("/log/", entry.path().filename().string()), ReadGolden(entry.path()));
  }
  return files;
}

TEST(GoldenTest, ReadsTheLogOfVersion1) {
  const auto files = GoldenLog();
  const std::unique_ptr<Log> log = OpenLog(*files, "/log");
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->first_offset(), 0U);
  EXPECT_EQ(ExpectGoodRecords(*log), 40U);
  EXPECT_EQ(log->recovery_report().cut_bytes, 0U);
  EXPECT_GE(log->recovery_report().segment_count, 2U);
  AppendMany(*log, 5);
  EXPECT_EQ(ExpectGoodRecords(*OpenLog(*files, "/log")), 45U);
}

TEST(GoldenTest, RefusesALogOfANewerVersion) {
  const auto files = GoldenLog();
  const std::string path = "/log/00000000000000000000.log";
  std::string newer = files->ReadAll(path);
  newer[8] = 2;
  files->WriteAll(path, newer);
  const absl::Status status = Log::Open(*files, "/log", {}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(status.message().find("newer freshet"), absl::string_view::npos) << status;
  EXPECT_EQ(files->ReadAll(path), newer);
}

TEST(GoldenTest, ReadsTheSnapshotOfVersion1) {
  FaultFileSystem files;
  ASSERT_TRUE(files.CreateDir("/snapshots").ok());
  const std::string golden = ReadGolden(kGolden / "snapshot_v1" / "golden.snapshot");
  files.WriteAll("/snapshots/golden.snapshot", golden);
  const auto store = SnapshotStore::Open(files, "/snapshots");
  ASSERT_TRUE(store.ok()) << store.status();
  const auto loaded = (*store)->Load("golden");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(TextOf(loaded->payload()), GoldenState());
  v1::SnapshotFileHeader expected = GoldenHeader();
  expected.mutable_snapshot()->set_size_bytes(golden.size());
  expected.set_file_checksum(1245276473567760590);
  EXPECT_EQ(loaded->header().DebugString(), expected.DebugString());
}

TEST(GoldenTest, WritesTheSnapshotOfVersion1ToTheByte) {
  FaultFileSystem files;
  ASSERT_TRUE(WriteGoldenSnapshot(files, "/snapshots").ok());
  EXPECT_EQ(files.ReadAll("/snapshots/golden.snapshot"),
            ReadGolden(kGolden / "snapshot_v1" / "golden.snapshot"));
}

TEST(GoldenTest, RefusesASnapshotOfANewerVersion) {
  FaultFileSystem files;
  ASSERT_TRUE(files.CreateDir("/snapshots").ok());
  std::string newer = ReadGolden(kGolden / "snapshot_v1" / "golden.snapshot");
  newer[8] = 2;
  files.WriteAll("/snapshots/golden.snapshot", newer);
  const auto store = SnapshotStore::Open(files, "/snapshots");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->List().empty());
  ASSERT_EQ((*store)->damaged().size(), 1U);
  EXPECT_TRUE(absl::IsFailedPrecondition((*store)->damaged().front().reason));
}

// Writes the files anew, for a new version of a format (see the README there).
TEST(GoldenTest, DISABLED_WriteGoldenFiles) {
  FileSystem& files = PosixFileSystem();
  const std::unique_ptr<Log> log = OpenLog(files, kGolden / "log_v1");
  AppendMany(*log, 20);
  ASSERT_TRUE(log->Sync().ok());
  AppendMany(*log, 20);
  ASSERT_TRUE(log->Sync().ok());
  const auto written = WriteGoldenSnapshot(files, kGolden / "snapshot_v1");
  EXPECT_TRUE(written.ok()) << written.status();
}

}  // namespace
}  // namespace freshet
