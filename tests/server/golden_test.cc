// Files that version 1 wrote: every later version must read them. See tests/data/golden/README.md.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/byte_text.h"
#include "core/base/str_cat.h"
#include "server/file/checksum.h"
#include "server/file/model_folder.h"
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

// The uid of the model whose golden files have one, and the checksum of its snapshot.
constexpr uint64_t kUid = 0x0123456789abcdef;
constexpr uint64_t kUidChecksum = 1090832938058181903;

// The header of the golden snapshot: of the model with `uid` or, for 0, of the one without a uid.
v1::SnapshotFileHeader GoldenHeader(uint64_t uid = 0) {
  v1::SnapshotFileHeader header;
  header.set_server_version("0.1.0");
  header.set_state_version(1);
  v1::Model& model = *header.mutable_model();
  model.set_name("models/ctr");
  model.set_uid(FormatUid(uid));
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
                                                           const std::string& dir, uint64_t uid) {
  const auto store = SnapshotStore::Open(files, dir, GoldenHeader(uid).model());
  if (!store.ok()) return store.status();
  const std::string state = GoldenState();
  const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(state))};
  return (*store)->Write(GoldenHeader(uid), pieces);
}

// A file system that holds the golden log from the folder `name`.
std::unique_ptr<FaultFileSystem> GoldenLog(const std::string& name = "log_v1") {
  auto files = std::make_unique<FaultFileSystem>();
  EXPECT_TRUE(files->CreateDir("/log").ok());
  for (const auto& entry : std::filesystem::directory_iterator(kGolden / name)) {
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

TEST(GoldenTest, ReadsTheLogOfAModelWithAUid) {
  const auto files = GoldenLog("log_v1_uid");
  LogOptions options = SmallSegments();
  EXPECT_TRUE(absl::IsDataLoss(Log::Open(*files, "/log", options).status()));
  options.uid = kUid;
  for (const uint64_t records : {40, 45}) {
    const std::unique_ptr<Log> log = Log::Open(*files, "/log", options).value();
    EXPECT_EQ(ExpectGoodRecords(*log), records);
    EXPECT_GE(log->recovery_report().segment_count, 2U);
    AppendMany(*log, 5);
  }
}

TEST(GoldenTest, RefusesALogOfANewerVersion) {
  const auto files = GoldenLog();
  const std::string path = "/log/00000000000000000000.log";
  std::string newer = files->ReadAll(path);
  newer[8] = 2;
  // With the checksum that a newer version would write. Without it, the version number would count
  // as damaged.
  const uint64_t checksum = Checksum(std::as_bytes(std::span(newer).first(56)));
  std::memcpy(newer.data() + 56, &checksum, sizeof(checksum));
  files->WriteAll(path, newer);
  const absl::Status status = Log::Open(*files, "/log", {}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(status.message().find("newer freshet"), absl::string_view::npos) << status;
  EXPECT_EQ(files->ReadAll(path), newer);
}

void ExpectReads(const std::filesystem::path& folder, uint64_t uid, uint64_t file_checksum) {
  FaultFileSystem files;
  ASSERT_TRUE(files.CreateDir("/snapshots").ok());
  const std::string golden = ReadGolden(folder / "golden.snapshot");
  files.WriteAll("/snapshots/golden.snapshot", golden);
  const auto store = SnapshotStore::Open(files, "/snapshots", GoldenHeader(uid).model());
  ASSERT_TRUE(store.ok()) << store.status();
  const auto loaded = (*store)->Load("golden");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(TextOfBytes(loaded->payload()), GoldenState());
  v1::SnapshotFileHeader expected = GoldenHeader(uid);
  expected.mutable_snapshot()->set_size_bytes(golden.size());
  expected.set_file_checksum(file_checksum);
  EXPECT_EQ(loaded->header().DebugString(), expected.DebugString());
}

TEST(GoldenTest, ReadsTheSnapshotOfVersion1) {
  ExpectReads(kGolden / "snapshot_v1", 0, 1245276473567760590);
}

TEST(GoldenTest, ReadsTheSnapshotOfAModelWithAUid) {
  ExpectReads(kGolden / "snapshot_v1_uid", kUid, kUidChecksum);
}

TEST(GoldenTest, WritesTheSnapshotOfVersion1ToTheByte) {
  for (const auto& [folder, uid] :
       {std::pair("snapshot_v1", uint64_t{0}), {"snapshot_v1_uid", kUid}}) {
    FaultFileSystem files;
    ASSERT_TRUE(WriteGoldenSnapshot(files, "/snapshots", uid).ok());
    EXPECT_EQ(files.ReadAll("/snapshots/golden.snapshot"),
              ReadGolden(kGolden / folder / "golden.snapshot"));
  }
}

TEST(GoldenTest, RefusesASnapshotOfANewerVersion) {
  FaultFileSystem files;
  ASSERT_TRUE(files.CreateDir("/snapshots").ok());
  std::string newer = ReadGolden(kGolden / "snapshot_v1" / "golden.snapshot");
  newer[8] = 2;
  newer[24] ^= 1;  // Another version has another checksum.
  files.WriteAll("/snapshots/golden.snapshot", newer);
  const auto store = SnapshotStore::Open(files, "/snapshots", GoldenHeader().model());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->List().empty());
  ASSERT_EQ((*store)->damaged().size(), 1U);
  EXPECT_TRUE(absl::IsFailedPrecondition((*store)->damaged().front().reason));
}

// Rewrites the golden files, for a new version of a format (see the README there).
TEST(GoldenTest, DISABLED_WriteGoldenFiles) {
  FileSystem& files = PosixFileSystem();
  LogOptions options = SmallSegments();
  options.uid = kUid;
  const std::unique_ptr<Log> log = Log::Open(files, kGolden / "log_v1_uid", options).value();
  AppendMany(*log, 20);
  ASSERT_TRUE(log->Sync().ok());
  AppendMany(*log, 20);
  ASSERT_TRUE(log->Sync().ok());
  const auto written = WriteGoldenSnapshot(files, kGolden / "snapshot_v1_uid", kUid);
  ASSERT_TRUE(written.ok()) << written.status();
  std::printf("file_checksum %llu\n", static_cast<unsigned long long>(written->file_checksum()));
}

}  // namespace
}  // namespace freshet
