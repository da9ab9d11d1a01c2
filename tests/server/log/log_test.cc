#include "server/log/log.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "core/base/byte_text.h"
#include "core/base/str_cat.h"
#include "tests/server/log/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

constexpr const char* kLogDir = "/log";

class LogTest : public testing::Test {
 protected:
  // Those of the segments.
  std::vector<std::string> Files() {
    const std::vector<DirEntry> entries = files_.ListDir(kLogDir).value();
    std::vector<std::string> names;
    for (const DirEntry& entry : entries) {
      if (entry.name != kLogEndName) names.push_back(entry.name);
    }
    return names;
  }

  FaultFileSystem files_;
};

TEST_F(LogTest, StartsEmptyAtTheGivenOffset) {
  const auto log = Log::Open(files_, kLogDir, {.first_offset = 42});
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ((*log)->first_offset(), 42U);
  EXPECT_EQ((*log)->next_offset(), 42U);
  EXPECT_EQ((*log)->size_bytes(), 64U);
  EXPECT_EQ(ExpectGoodRecords(**log), 0U);
  AppendMany(**log, 3);
  EXPECT_EQ(ExpectGoodRecords(**log), 3U);
}

TEST_F(LogTest, ReadsBackWhatWasAppendedAcrossSegmentsAndReopenings) {
  for (uint64_t total = 0; total < 500; total += 37) {
    const std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
    EXPECT_EQ(log->next_offset(), total);
    EXPECT_EQ(ExpectGoodRecords(*log), total);
    EXPECT_EQ(log->recovery_report().cut_bytes, 0U);
    AppendMany(*log, 37);
  }
  EXPECT_GT(Files().size(), 10U);
}

TEST_F(LogTest, ReadsFromAnyOffsetThatIsKept) {
  const std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 50);
  for (uint64_t offset = 0; offset < 50; ++offset) {
    const auto reader = log->NewReader(offset);
    ASSERT_TRUE(reader.ok()) << reader.status();
    const auto record = (*reader)->Next();
    ASSERT_TRUE(record.ok() && record->has_value());
    EXPECT_EQ((*record)->offset, offset);
    EXPECT_EQ(TextOfBytes((*record)->payload), PayloadOf(offset));
  }
  EXPECT_TRUE(log->NewReader(50).ok());
  EXPECT_TRUE(absl::IsNotFound(log->NewReader(51).status()));
}

TEST_F(LogTest, AReaderAtTheEndGoesOnOnceMoreWasAppended) {
  const std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  const auto reader = log->NewReader(0);
  ASSERT_TRUE(reader.ok());
  for (uint64_t offset = 0; offset < 100; ++offset) {
    EXPECT_FALSE((*reader)->Next()->has_value());
    AppendMany(*log, 1);
    const auto record = (*reader)->Next();
    ASSERT_TRUE(record.ok() && record->has_value()) << record.status();
    EXPECT_EQ(TextOfBytes((*record)->payload), PayloadOf(offset));
  }
}

TEST_F(LogTest, ARecordLargerThanASegmentHasOneToItself) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  const std::string large(5'000'000, 'x');
  const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(large))};
  AppendMany(*log, 1);
  ASSERT_TRUE(log->Append(RecordKind::kBatch, pieces).ok());
  ASSERT_TRUE(log->Append(RecordKind::kBatch, pieces).ok());
  EXPECT_EQ(Files().size(), 3U);
  log = OpenLog(files_, kLogDir);
  const auto reader = log->NewReader(1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(TextOfBytes((*(*reader)->Next())->payload), large);
}

TEST_F(LogTest, ManyRecordsAtOnceAreTheSameAsOneAfterTheOther) {
  for (const bool sync_follows : {false, true}) {
    FaultFileSystem files;
    const std::unique_ptr<Log> log = OpenLog(files, kLogDir);
    std::vector<std::string> payloads;
    for (uint64_t offset = 0; offset < 100; ++offset) payloads.push_back(PayloadOf(offset));
    std::vector<NewRecord> records;
    for (uint64_t offset = 0; offset < 100; ++offset) {
      records.push_back({KindOf(offset), {std::as_bytes(std::span(payloads[offset]))}});
    }
    ASSERT_TRUE(log->Append({}, sync_follows).ok());
    ASSERT_TRUE(log->Append(records, sync_follows).ok());
    EXPECT_EQ(ExpectGoodRecords(*log), 100U);
    EXPECT_EQ(ExpectGoodRecords(*OpenLog(files, kLogDir)), 100U);
  }
}

// The first of them may be there; the rest goes on from where the log then ends.
TEST_F(LogTest, OfManyRecordsAtOnceAFailureKeepsTheFirst) {
  bool reached = true;
  uint64_t call = 0;
  for (; reached; ++call) {
    FaultFileSystem files;
    const std::unique_ptr<Log> log = OpenLog(files, kLogDir);
    std::vector<std::string> payloads;
    for (uint64_t offset = 0; offset < 40; ++offset) payloads.push_back(PayloadOf(offset));
    std::vector<NewRecord> records;
    for (uint64_t offset = 0; offset < 40; ++offset) {
      records.push_back({KindOf(offset), {std::as_bytes(std::span(payloads[offset]))}});
    }
    files.FailCall(call, ENOSPC);
    absl::Status status = log->Append(records, /*sync_follows=*/true);
    reached = files.calls() > call;
    files.Heal();
    if (!status.ok()) {
      ASSERT_TRUE(log->Recover().ok());
      const std::span<const NewRecord> rest(records.begin() + log->next_offset(), records.end());
      status = log->Append(rest, /*sync_follows=*/true);
    }
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(ExpectGoodRecords(*log), 40U) << call;
  }
  EXPECT_GT(call, 20U);
}

TEST_F(LogTest, RefusesARecordWithoutAKind) {
  const std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  EXPECT_TRUE(absl::IsInvalidArgument(log->Append(RecordKind{}, {}).status()));
}

TEST_F(LogTest, KeepsWhatNobodyNeedsWithinTheRetainedBytes) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 100);
  const uint64_t size = log->size_bytes();
  const absl::Time now = absl::UnixEpoch();
  ASSERT_TRUE(log->DropBefore(100, {.max_bytes = size, .max_age = absl::Hours(1)}, now).ok());
  EXPECT_EQ(log->first_offset(), 0U);
  ASSERT_TRUE(log->DropBefore(100, {.max_bytes = size / 2, .max_age = absl::Hours(1)}, now).ok());
  EXPECT_GT(log->first_offset(), 0U);
  EXPECT_LE(log->size_bytes(), size / 2);
  EXPECT_GT(log->size_bytes(), size / 3);
}

TEST_F(LogTest, KeepsWhatNobodyNeedsForTheRetainedTime) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  const absl::Time begin = absl::FromUnixSeconds(1'000'000);
  files_.SetTime(begin);
  AppendMany(*log, 50);
  files_.SetTime(begin + absl::Hours(2));
  AppendMany(*log, 50);
  const Retention retention{.max_bytes = ~uint64_t{0}, .max_age = absl::Hours(3)};
  ASSERT_TRUE(log->DropBefore(100, retention, begin + absl::Hours(3) - absl::Seconds(1)).ok());
  EXPECT_EQ(log->first_offset(), 0U);
  ASSERT_TRUE(log->DropBefore(10, retention, begin + absl::Hours(3)).ok());
  EXPECT_LE(log->first_offset(), 10U);  // What is needed stays, however old.
  ASSERT_TRUE(log->DropBefore(100, retention, begin + absl::Hours(3)).ok());
  EXPECT_GT(log->first_offset(), 40U);
  EXPECT_LE(log->first_offset(), 50U);
  // A clock that jumps back keeps more, never less.
  ASSERT_TRUE(log->DropBefore(100, retention, begin - absl::Hours(100)).ok());
  EXPECT_LE(log->first_offset(), 50U);
}

TEST_F(LogTest, DropsWholeSegmentsThatNoReaderNeeds) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 100);
  const uint64_t size = log->size_bytes();
  {
    const auto reader = log->NewReader(30);
    ASSERT_TRUE(log->DropBefore(60, {}, absl::Now()).ok());
    EXPECT_LE(log->first_offset(), 30U);
    EXPECT_GT(log->first_offset(), 0U);
    for (uint64_t offset = 30; offset < 100; ++offset) {
      EXPECT_EQ((*(*reader)->Next())->offset, offset);
    }
  }
  EXPECT_TRUE(absl::IsOutOfRange(log->NewReader(0).status()));
  ASSERT_TRUE(log->DropBefore(60, {}, absl::Now()).ok());
  EXPECT_GT(log->first_offset(), 30U);
  EXPECT_LE(log->first_offset(), 60U);
  EXPECT_LT(log->size_bytes(), size);
  ASSERT_TRUE(log->DropBefore(1000, {}, absl::Now()).ok());
  const uint64_t first = log->first_offset();
  EXPECT_EQ(Files().size(), 1U);
  log = OpenLog(files_, kLogDir);
  EXPECT_EQ(log->first_offset(), first);
  EXPECT_EQ(ExpectGoodRecords(*log), 100 - first);
}

TEST_F(LogTest, SkipsToALaterOffsetAndForgetsWhatWasBefore) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 30);
  const auto reader = log->NewReader(5);
  EXPECT_TRUE(absl::IsInvalidArgument(log->SkipTo(29)));
  ASSERT_TRUE(log->SkipTo(1000).ok());
  EXPECT_TRUE(absl::IsAborted((*reader)->Next().status()));
  EXPECT_EQ(log->first_offset(), 1000U);
  EXPECT_EQ(Files().size(), 1U);
  AppendMany(*log, 20);
  log = OpenLog(files_, kLogDir);
  EXPECT_EQ(log->first_offset(), 1000U);
  EXPECT_EQ(ExpectGoodRecords(*log), 20U);
}

TEST_F(LogTest, SkipsToTheOffsetAtWhichItsLastSegmentIsEmpty) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 30);
  const uint64_t last = log->next_offset();
  ASSERT_TRUE(log->SkipTo(last).ok());
  ASSERT_TRUE(log->SkipTo(last).ok());
  EXPECT_EQ(log->first_offset(), last);
  AppendMany(*log, 3);
  EXPECT_EQ(ExpectGoodRecords(*OpenLog(files_, kLogDir)), 3U);
}

TEST_F(LogTest, LeavesNoTraceOfARecordThatDidNotFitOnTheDisk) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 3);
  for (int i = 0; i < 3; ++i) {
    // After the first failure, disk space is asked for again before the write.
    files_.FailCall(i == 0 ? 0 : 1, ENOSPC);
    const absl::Status status = AppendNext(*log);
    files_.Heal();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_NE(status.message().find("/log/00000000000000000000.log"), absl::string_view::npos);
  }
  EXPECT_EQ(log->next_offset(), 3U);
  AppendMany(*log, 3);
  EXPECT_EQ(ExpectGoodRecords(*log), 6U);
  log = OpenLog(files_, kLogDir);
  EXPECT_EQ(log->recovery_report().cut_bytes, 0U);
  EXPECT_EQ(ExpectGoodRecords(*log), 6U);
}

TEST_F(LogTest, RefusesToGoOnAfterAFailedSyncUntilItHasRecovered) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 3);
  ASSERT_TRUE(log->Sync().ok());
  AppendMany(*log, 3);
  files_.FailCall(0, EIO);
  EXPECT_FALSE(log->Sync().ok());
  files_.Heal();
  EXPECT_TRUE(absl::IsFailedPrecondition(log->Sync()));
  EXPECT_TRUE(absl::IsFailedPrecondition(AppendNext(*log)));
  EXPECT_EQ(log->durable_offset(), 3U);
  const auto recovered = log->Recover();
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  // The bytes were still in memory, so nothing had to be given up.
  EXPECT_EQ(*recovered, 6U);
  EXPECT_EQ(log->durable_offset(), 6U);
  std::mt19937_64 random(1);
  AppendMany(*log, 1);
  log.reset();
  files_.PowerLoss(Survival::kNothing, random);
  EXPECT_EQ(ExpectGoodRecords(*OpenLog(files_, kLogDir)), 6U);
}

// Its bytes are in memory, and a second sync says OK: that they are on the disk is another matter.
TEST_F(LogTest, AfterAFailedSyncItsRecordsReallyReachTheDisk) {
  for (const DiskReads reads : {DiskReads::kDirect, DiskReads::kDroppedCache, DiskReads::kMemory}) {
    FaultFileSystem files;
    files.SetDiskReads(reads);
    std::unique_ptr<Log> log = OpenLog(files, kLogDir);
    AppendMany(*log, 3);
    ASSERT_TRUE(log->Sync().ok());
    AppendMany(*log, 3);
    files.FailCall(0, EIO);
    EXPECT_FALSE(log->Sync().ok());
    files.Heal();
    EXPECT_EQ(log->Recover().value_or(0), 6U);
    log.reset();
    std::mt19937_64 random(1);
    files.PowerLoss(Survival::kNothing, random);
    EXPECT_EQ(ExpectGoodRecords(*OpenLog(files, kLogDir)), 6U);
  }
}

TEST_F(LogTest, AFailedSyncBeforeANewSegmentLosesNothingOfTheOldOne) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 2);
  ASSERT_TRUE(log->Sync().ok());
  // A record for which there is no room in the segment.
  const std::string large(2000, 'x');
  const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(large))};
  AppendMany(*log, 4);
  files_.FailCall(1, EIO);  // The first one gives back what was preallocated.
  EXPECT_FALSE(log->Append(RecordKind::kBatch, pieces).ok());
  files_.Heal();
  EXPECT_EQ(Files().size(), 1U);
  EXPECT_EQ(log->Recover().value_or(0), 6U);
  AppendMany(*log, 20);
  EXPECT_GT(Files().size(), 1U);
  ASSERT_TRUE(log->Sync().ok());
  log.reset();
  std::mt19937_64 random(1);
  files_.PowerLoss(Survival::kNothing, random);
  EXPECT_EQ(ExpectGoodRecords(*OpenLog(files_, kLogDir)), 26U);
}

// Between the truncation and the end of the recovery they are in memory alone.
TEST_F(LogTest, ARecoveryThatFailedDoesNotForgetTheRecordsThatItWasToWrite) {
  bool reached = true;
  for (uint64_t call = 0; reached; ++call) {
    FaultFileSystem files;
    const std::unique_ptr<Log> log = OpenLog(files, kLogDir);
    AppendMany(*log, 3);
    ASSERT_TRUE(log->Sync().ok());
    AppendMany(*log, 3);
    files.FailCall(0, EIO);
    EXPECT_FALSE(log->Sync().ok());
    files.FailCall(call, EIO);
    const bool recovered = log->Recover().ok();
    reached = files.calls() > call;
    files.Heal();
    EXPECT_NE(recovered, reached);
    EXPECT_EQ(log->durable_offset(), recovered ? 6U : 3U);
    EXPECT_EQ(log->Recover().value_or(0), 6U) << call;
    EXPECT_EQ(ExpectGoodRecords(*log), 6U) << call;
  }
}

TEST_F(LogTest, AfterARecoveryDiskSpaceIsAskedForAgain) {
  const std::string path = "/log/00000000000000000000.log";
  const auto log = Log::Open(files_, kLogDir, {});
  AppendMany(**log, 3);
  files_.FailCall(0, EIO);
  EXPECT_FALSE((*log)->Sync().ok());
  files_.Heal();
  ASSERT_TRUE((*log)->Recover().ok());
  EXPECT_LE(files_.PreallocatedEnd(path), files_.ReadAll(path).size());
  AppendMany(**log, 1);
  EXPECT_GT(files_.PreallocatedEnd(path), files_.ReadAll(path).size());
}

TEST_F(LogTest, ReadersDoNotReadAnEndThatIsWrittenAnew) {
  const std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 3);
  const auto reader = log->NewReader(0);
  files_.FailCall(0, EIO);
  EXPECT_FALSE(log->Sync().ok());
  files_.Heal();
  EXPECT_TRUE(absl::IsFailedPrecondition(log->NewReader(0).status()));
  ASSERT_TRUE(log->Recover().ok());
  EXPECT_TRUE(absl::IsAborted((*reader)->Next().status()));
  EXPECT_EQ(ExpectGoodRecords(*log), 3U);
}

TEST_F(LogTest, GivesUpWhatAFailedSyncLostAndTellsReaders) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 3);
  ASSERT_TRUE(log->Sync().ok());
  AppendMany(*log, 3);
  const auto reader = log->NewReader(0);
  files_.FailCall(0, EIO);
  EXPECT_FALSE(log->Sync().ok());
  files_.Heal();
  // The operating system lets go of pages that it takes for clean.
  files_.DropCache("/log/00000000000000000000.log");
  EXPECT_EQ(*log->Recover(), 3U);
  EXPECT_EQ(log->next_offset(), 3U);
  EXPECT_TRUE(absl::IsAborted((*reader)->Next().status()));
  AppendMany(*log, 2);
  EXPECT_EQ(ExpectGoodRecords(*log), 5U);
}

TEST_F(LogTest, AProcessThatStartsAfterAFailedSyncDoesNotTrustWhatIsInMemory) {
  std::unique_ptr<Log> log = OpenLog(files_, kLogDir);
  AppendMany(*log, 3);
  ASSERT_TRUE(log->Sync().ok());
  AppendMany(*log, 3);
  files_.FailCall(0, EIO);
  EXPECT_FALSE(log->Sync().ok());
  files_.Heal();
  log.reset();
  log = OpenLog(files_, kLogDir);
  EXPECT_EQ(log->next_offset(), 3U);
  EXPECT_EQ(log->durable_offset(), 3U);
}

}  // namespace
}  // namespace freshet
