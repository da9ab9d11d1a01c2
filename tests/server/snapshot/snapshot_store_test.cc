#include "server/snapshot/snapshot_store.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

constexpr const char* kDir = "/snapshots";

v1::SnapshotFileHeader Header(std::string_view id, uint64_t offset, int64_t seconds = 0) {
  v1::SnapshotFileHeader header;
  header.mutable_model()->set_name("models/ctr");
  header.mutable_snapshot()->set_name(StrCat("models/ctr/snapshots/", id));
  header.mutable_snapshot()->set_offset(offset);
  header.mutable_snapshot()->mutable_create_time()->set_seconds(seconds);
  return header;
}

std::string StateOf(size_t size_bytes) {
  std::string state(size_bytes, '\0');
  uint32_t x = 1;
  for (char& c : state) {
    x = x * 1664525 + 1013904223;
    c = static_cast<char>(x >> 24);
  }
  return state;
}

// Writes the state as pieces of uneven lengths, some of them empty.
absl::StatusOr<v1::SnapshotFileHeader> Write(SnapshotStore& store,
                                             const v1::SnapshotFileHeader& header,
                                             std::string_view state) {
  std::vector<ByteSpan> pieces = {ByteSpan()};
  const ByteSpan bytes = std::as_bytes(std::span(state));
  for (size_t at = 0, size = 1; at < bytes.size(); at += size, size = size * 3 + 1) {
    pieces.push_back(bytes.subspan(at, std::min(size, bytes.size() - at)));
    pieces.emplace_back();
  }
  return store.Write(header, pieces);
}

std::string_view Text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::unique_ptr<SnapshotStore> OpenStore(FaultFileSystem& files,
                                         const v1::Model& model = Header("", 0).model()) {
  absl::StatusOr<std::unique_ptr<SnapshotStore>> store = SnapshotStore::Open(files, kDir, model);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

class SnapshotStoreTest : public testing::Test {
 protected:
  FaultFileSystem files_;
};

class SnapshotSizeTest : public testing::TestWithParam<size_t> {};

TEST_P(SnapshotSizeTest, LoadsWhatWasWrittenAlsoAfterReopening) {
  FaultFileSystem files;
  const std::string state = StateOf(GetParam());
  std::unique_ptr<SnapshotStore> store = OpenStore(files);
  const auto written = Write(*store, Header("a", 7), state);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(written->snapshot().size_bytes(), files.ReadAll("/snapshots/a.snapshot").size());
  for (int i = 0; i < 2; ++i) {
    const auto loaded = store->Load("a");
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(Text(loaded->payload()), state);
    EXPECT_EQ(loaded->header().SerializeAsString(), written->SerializeAsString());
    store = OpenStore(files);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, SnapshotSizeTest,
                         testing::Values(0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1,
                                         5 << 19));

TEST_F(SnapshotStoreTest, ListsByOffsetThenTimeThenId) {
  const std::unique_ptr<SnapshotStore> store = OpenStore(files_);
  ASSERT_TRUE(Write(*store, Header("d", 9, 1), "x").ok());
  ASSERT_TRUE(Write(*store, Header("c", 5, 2), "x").ok());
  ASSERT_TRUE(Write(*store, Header("b", 5, 1), "x").ok());
  ASSERT_TRUE(Write(*store, Header("a", 5, 2), "x").ok());
  std::string order;
  for (const auto& header : OpenStore(files_)->List()) order += header.snapshot().name().back();
  EXPECT_EQ(order, "bacd");
}

TEST_F(SnapshotStoreTest, RefusesBadAndTakenIds) {
  const std::unique_ptr<SnapshotStore> store = OpenStore(files_);
  ASSERT_TRUE(Write(*store, Header("a", 1), "x").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Write(*store, Header("a", 2), "y").status()));
  for (const char* id : {"", "A", "a-", "1a", "a.b", "a b"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Write(*store, Header(id, 1), "x").status())) << id;
  }
  EXPECT_TRUE(Write(*store, Header(std::string(63, 'z'), 1), "x").ok());
  EXPECT_TRUE(
      absl::IsInvalidArgument(Write(*store, Header(std::string(64, 'z'), 1), "x").status()));
}

TEST_F(SnapshotStoreTest, ASnapshotOfAnotherModelIsADamagedOne) {
  v1::SnapshotFileHeader header = Header("a", 1);
  header.mutable_model()->set_uid("0123456789abcdef");
  const std::unique_ptr<SnapshotStore> own = OpenStore(files_, header.model());
  ASSERT_TRUE(Write(*own, header, "state").ok());
  EXPECT_EQ(OpenStore(files_, header.model())->List().size(), 1U);
  v1::Model other_name = header.model();
  other_name.set_name("models/other");
  v1::Model created_again = header.model();
  created_again.set_uid("fedcba9876543210");
  v1::Model without_uid = header.model();
  without_uid.clear_uid();
  for (const v1::Model& model : {other_name, created_again, without_uid}) {
    const std::unique_ptr<SnapshotStore> store = OpenStore(files_, model);
    EXPECT_TRUE(store->List().empty()) << model.DebugString();
    ASSERT_EQ(store->damaged().size(), 1U);
    const absl::Status reason = store->damaged().front().reason;
    EXPECT_TRUE(absl::IsDataLoss(reason)) << reason;
    EXPECT_NE(reason.message().find("/snapshots/a.snapshot"), absl::string_view::npos) << reason;
    EXPECT_NE(reason.message().find("0123456789abcdef"), absl::string_view::npos) << reason;
  }
}

TEST_F(SnapshotStoreTest, AFileOfAnotherModelThatWasPutInItsPlaceIsNotLoaded) {
  const std::unique_ptr<SnapshotStore> store = OpenStore(files_);
  ASSERT_TRUE(Write(*store, Header("a", 1), "ours").ok());
  FaultFileSystem other_files;
  v1::SnapshotFileHeader header = Header("a", 1);
  header.mutable_model()->set_uid("0123456789abcdef");
  ASSERT_TRUE(Write(*OpenStore(other_files, header.model()), header, "theirs").ok());
  files_.WriteAll("/snapshots/a.snapshot", other_files.ReadAll("/snapshots/a.snapshot"));
  EXPECT_TRUE(absl::IsDataLoss(store->Load("a").status()));
  EXPECT_TRUE(absl::IsDataLoss(store->OpenVerified("a").status()));
  EXPECT_TRUE(store->List().empty());
}

TEST_F(SnapshotStoreTest, DeletesForGood) {
  std::unique_ptr<SnapshotStore> store = OpenStore(files_);
  ASSERT_TRUE(Write(*store, Header("a", 1), "x").ok());
  EXPECT_TRUE(store->Delete("a").ok());
  EXPECT_TRUE(absl::IsNotFound(store->Delete("a")));
  EXPECT_TRUE(absl::IsNotFound(store->Load("a").status()));
  EXPECT_TRUE(absl::IsNotFound(store->Get("a").status()));
  EXPECT_TRUE(OpenStore(files_)->List().empty());
  EXPECT_TRUE(Write(*store, Header("a", 2), "y").ok());
}

TEST_F(SnapshotStoreTest, RemovesWhatAnInterruptedWriteLeft) {
  OpenStore(files_);
  files_.WriteAll("/snapshots/a.snapshot.tmp", "half");
  const std::unique_ptr<SnapshotStore> store = OpenStore(files_);
  EXPECT_TRUE(files_.ListDir(kDir)->empty());
  EXPECT_TRUE(Write(*store, Header("a", 1), "x").ok());
}

TEST_F(SnapshotStoreTest, DetectsEveryFlippedBitOrCutOfAFile) {
  ASSERT_TRUE(Write(*OpenStore(files_), Header("a", 1), StateOf(200)).ok());
  const std::string path = "/snapshots/a.snapshot";
  const std::string good = files_.ReadAll(path);
  for (size_t at = 0; at < good.size(); ++at) {
    for (const bool cut : {false, true}) {
      std::string bad = good.substr(0, cut ? at : good.size());
      if (!cut) bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
      files_.WriteAll(path, bad);
      const std::unique_ptr<SnapshotStore> store = OpenStore(files_);
      const auto loaded = store->Load("a");
      EXPECT_TRUE(absl::IsDataLoss(loaded.status())) << at << " " << cut << " " << loaded.status();
      EXPECT_NE(loaded.status().message().find(path), absl::string_view::npos);
      EXPECT_TRUE(store->List().empty());
      ASSERT_EQ(store->damaged().size(), 1U);
      EXPECT_EQ(store->damaged().front().reason, loaded.status());
    }
  }
}

TEST_F(SnapshotStoreTest, KeepsADamagedFileUntilItIsDeleted) {
  ASSERT_TRUE(Write(*OpenStore(files_), Header("a", 1), "x").ok());
  files_.WriteAll("/snapshots/a.snapshot", "nonsense");
  const std::unique_ptr<SnapshotStore> store = OpenStore(files_);
  EXPECT_TRUE(absl::IsDataLoss(store->Get("a").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(Write(*store, Header("a", 2), "y").status()));
  EXPECT_TRUE(store->Delete("a").ok());
  EXPECT_TRUE(Write(*store, Header("a", 2), "y").ok());
}

TEST_F(SnapshotStoreTest, TakesAFileUnderAnotherNameForDamaged) {
  ASSERT_TRUE(Write(*OpenStore(files_), Header("a", 1), "x").ok());
  ASSERT_TRUE(files_.Rename("/snapshots/a.snapshot", "/snapshots/b.snapshot").ok());
  const std::unique_ptr<SnapshotStore> store = OpenStore(files_);
  EXPECT_TRUE(store->List().empty());
  EXPECT_TRUE(absl::IsDataLoss(store->Load("b").status()));
}

// Writes two snapshots with every call failing once, and then the disk staying broken.
TEST(SnapshotStoreFaultTest, AcknowledgedSnapshotsSurviveAnyFailedCallAndAnyPowerLoss) {
  const std::string state = StateOf(3000);
  std::mt19937_64 random(1);
  bool ran_to_the_end = false;
  for (uint64_t call = 0; !ran_to_the_end; ++call) {
    ASSERT_LT(call, 1000U);
    for (const bool stays_broken : {false, true}) {
      for (const Survival survival :
           {Survival::kNothing, Survival::kPrefix, Survival::kAnySectors}) {
        FaultFileSystem files;
        { const auto parent = files.CreateDir(kDir), synced = files.SyncDir("/"); }
        stays_broken ? files.FailFrom(call, EIO) : files.FailCall(call, ENOSPC);
        std::vector<std::string> acknowledged;
        if (auto store = SnapshotStore::Open(files, kDir, Header("", 0).model()); store.ok()) {
          for (const char* id : {"a", "b"}) {
            if (Write(**store, Header(id, 1), state).ok()) acknowledged.emplace_back(id);
          }
          if (acknowledged.size() == 2) {
            const auto first = (*store)->Load("a");
            EXPECT_TRUE(!first.ok() || Text(first->payload()) == state);
          }
        }
        ran_to_the_end = files.calls() <= call;
        files.Heal();
        files.PowerLoss(survival, random);
        const std::unique_ptr<SnapshotStore> store = OpenStore(files);
        for (const std::string& id : acknowledged) {
          const auto loaded = store->Load(id);
          ASSERT_TRUE(loaded.ok()) << call << " " << loaded.status();
          EXPECT_EQ(Text(loaded->payload()), state);
        }
        // What was not acknowledged is there whole or not at all.
        EXPECT_TRUE(store->damaged().empty()) << call << store->damaged().front().reason;
        for (const char* id : {"a", "b"}) {
          const absl::Status status = store->Load(id).status();
          EXPECT_TRUE(status.ok() || absl::IsNotFound(status)) << call << " " << status;
        }
      }
    }
  }
}

TEST_F(SnapshotStoreTest, AFileThatWasOpenedCanBeReadThoughItIsDeleted) {
  const auto store = OpenStore(files_);
  const std::string state = StateOf(3'000'000);
  const v1::SnapshotFileHeader written = Write(*store, Header("a", 1), state).value();
  const std::string whole = files_.ReadAll(store->PathOf("a"));
  const auto file = store->OpenVerified("a").value();
  ASSERT_TRUE(store->Delete("a").ok());
  std::string read(written.snapshot().size_bytes(), '\0');
  EXPECT_EQ(file->ReadAt(0, std::as_writable_bytes(std::span(read))).value(), whole.size());
  EXPECT_EQ(read, whole);
  EXPECT_TRUE(absl::IsNotFound(store->OpenVerified("a").status()));
}

TEST_F(SnapshotStoreTest, ADamagedFileIsNotOpenedToBeSentOn) {
  const auto store = OpenStore(files_);
  ASSERT_TRUE(Write(*store, Header("a", 1), StateOf(3'000'000)).ok());
  std::string bytes = files_.ReadAll(store->PathOf("a"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  files_.WriteAll(store->PathOf("a"), bytes);
  EXPECT_TRUE(absl::IsDataLoss(store->OpenVerified("a").status()));
  EXPECT_EQ(store->damaged().size(), 1U);
}

}  // namespace
}  // namespace freshet
