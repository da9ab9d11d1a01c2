// What is told apart in a damaged log: an interrupted write, a loss of power, and damage.

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/byte_text.h"
#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "server/log/log_check.h"
#include "tests/server/log/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

constexpr const char* kDamagedDir = "/log";
constexpr const char* kFirst = "/log/00000000000000000000.log";

absl::Status Append(Log& log, const std::string& payload) {
  const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(payload))};
  return log.Append(RecordKind::kBatch, pieces).status();
}

class LogDamageTest : public testing::Test {
 protected:
  // Fills one segment with `count` records of 100 bytes without zeros, of which the first
  // `synced` are synced before the rest is appended. A record takes 136 bytes.
  void Fill(int count, int synced) {
    const auto log = Log::Open(files_, kDamagedDir, {});
    ASSERT_TRUE(log.ok()) << log.status();
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(i != synced || (*log)->Sync().ok());
      ASSERT_TRUE(Append(**log, std::string(100, static_cast<char>('a' + i % 26))).ok());
    }
  }

  static size_t PositionOf(int record) { return 64 + 136 * static_cast<size_t>(record); }

  // Opens the log after its first file got this content.
  absl::StatusOr<std::unique_ptr<Log>> OpenWith(const std::string& content) {
    files_.WriteAll(kFirst, content);
    return Log::Open(files_, kDamagedDir, {});
  }

  FaultFileSystem files_;
};

TEST_F(LogDamageTest, CutsAFileThatEndsWithinARecordAtTheLastWholeOne) {
  Fill(3, 0);
  const std::string good = files_.ReadAll(kFirst);
  ASSERT_EQ(good.size(), PositionOf(3));
  for (size_t size = 64; size < good.size(); ++size) {
    const auto log = OpenWith(good.substr(0, size));
    ASSERT_TRUE(log.ok()) << size << log.status();
    const uint64_t whole = (size - 64) / 136;
    EXPECT_EQ((*log)->next_offset(), whole);
    EXPECT_EQ((*log)->recovery_report().cut_bytes, (size - 64) % 136);
    EXPECT_EQ((*log)->recovery_report().last_segment_records, whole);
    EXPECT_EQ((*log)->recovery_report().cut_path, (size - 64) % 136 == 0 ? "" : kFirst);
    ASSERT_TRUE(Append(**log, "more").ok());
  }
}

TEST_F(LogDamageTest, RefusesEveryFlippedBit) {
  Fill(3, 0);
  const std::string good = files_.ReadAll(kFirst);
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    const auto log = OpenWith(bad);
    EXPECT_TRUE(absl::IsDataLoss(log.status())) << at << log.status();
    EXPECT_EQ(files_.ReadAll(kFirst), bad) << "a refused log is not touched";
  }
}

TEST_F(LogDamageTest, NamesTheFileTheByteTheOffsetAndWhoKnowsTheWaysOut) {
  Fill(5, 0);
  std::string bad = files_.ReadAll(kFirst);
  bad[PositionOf(3) + 50] ^= 1;
  const std::string message(OpenWith(bad).status().message());
  for (const std::string& part : {std::string(kFirst), StrCat("byte ", PositionOf(3)),
                                  std::string("offset 2"), std::string("freshetd check ")}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  }
}

TEST_F(LogDamageTest, CutsWhereSectorsOfUnsyncedRecordsAreMissing) {
  Fill(20, 2);
  std::string bad = files_.ReadAll(kFirst);
  // Records 4 to 7 stand around these sectors.
  std::fill_n(bad.begin() + 1024, 512, '\0');
  std::fill_n(bad.begin() + 2048, 512, '\0');
  const auto log = OpenWith(bad);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ((*log)->next_offset(), (1024U - 64) / 136);
}

TEST_F(LogDamageTest, RefusesMissingSectorsOfRecordsThatWereSynced) {
  Fill(20, 15);
  std::string bad = files_.ReadAll(kFirst);
  std::fill_n(bad.begin() + 1024, 512, '\0');
  EXPECT_TRUE(absl::IsDataLoss(OpenWith(bad).status()));
}

TEST_F(LogDamageTest, CutsZerosBehindTheLastRecord) {
  Fill(3, 3);
  const std::string good = files_.ReadAll(kFirst);
  for (const size_t zeros : {1, 31, 32, 100, 5000}) {
    const auto log = OpenWith(good + std::string(zeros, '\0'));
    ASSERT_TRUE(log.ok()) << zeros << log.status();
    EXPECT_EQ((*log)->next_offset(), 3U);
    EXPECT_EQ((*log)->recovery_report().cut_bytes, zeros);
  }
}

TEST_F(LogDamageTest, IsNotFooledByAPayloadThatHoldsARecord) {
  // The image of a later record that claims that all before it was durable; its checksum is made
  // with the seed of another segment.
  const RecordHeader forged{
      .offset = 3, .durable_offset = 3, .payload_bytes = 0, .kind = RecordKind::kBatch};
  const RecordHeaderBytes image = EncodeRecordHeader(forged, {}, 12345);
  {
    const auto log = Log::Open(files_, kDamagedDir, {});
    ASSERT_TRUE(Append(**log, "first").ok());
    std::string payload(2000, '\0');
    std::copy_n(reinterpret_cast<const char*>(image.data()), image.size(), payload.begin() + 1000);
    ASSERT_TRUE(Append(**log, payload).ok());
  }
  std::string bad = files_.ReadAll(kFirst);
  bad[150] ^= 1;
  const auto log = OpenWith(bad);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ((*log)->next_offset(), 1U);
}

class LogSegmentDamageTest : public testing::Test {
 protected:
  LogSegmentDamageTest() {
    const std::unique_ptr<Log> log = OpenLog(files_, kDamagedDir);
    AppendMany(*log, 100);
    const std::vector<DirEntry> entries = files_.ListDir(kDamagedDir).value();
    for (const DirEntry& entry : entries) {
      if (entry.name != kLogEndName) paths_.push_back(StrCat(kDamagedDir, "/", entry.name));
    }
  }

  absl::Status Open() { return Log::Open(files_, kDamagedDir, SmallSegments()).status(); }

  absl::StatusOr<LogTruncation> Truncate(uint64_t offset) {
    RemovedFiles removed(files_, "", absl::UnixEpoch());
    return TruncateLog(files_, kDamagedDir, 0, 0, offset, removed);
  }

  FaultFileSystem files_;
  std::vector<std::string> paths_;
};

TEST_F(LogSegmentDamageTest, RefusesASegmentOfAnotherModel) {
  LogOptions options = SmallSegments();
  options.uid = 0x0123456789abcdef;
  const std::string dir = "/other";
  {
    const auto log = Log::Open(files_, dir, options).value();
    AppendMany(*log, 100);
    EXPECT_EQ(ExpectGoodRecords(*log), 100U);
  }
  ASSERT_TRUE(Log::Open(files_, dir, options).ok());
  for (const uint64_t uid : {uint64_t{0}, uint64_t{1}}) {
    options.uid = uid;
    const absl::Status status = Log::Open(files_, dir, options).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_NE(status.message().find("0123456789abcdef"), absl::string_view::npos) << status;
  }
  // One that was copied into a log without a uid, whichever it is.
  const std::vector<DirEntry> entries = files_.ListDir(dir).value();
  for (const DirEntry& entry : entries) {
    if (entry.name == kLogEndName) continue;
    const std::string path = StrCat(kDamagedDir, "/", entry.name);
    const std::string own = files_.ReadAll(path);
    files_.WriteAll(path, files_.ReadAll(StrCat(dir, "/", entry.name)));
    const absl::Status status = Open();
    EXPECT_TRUE(absl::IsDataLoss(status)) << path;
    EXPECT_NE(status.message().find(path), absl::string_view::npos) << status;
    files_.WriteAll(path, own);
  }
  EXPECT_TRUE(Open().ok());
}

TEST_F(LogSegmentDamageTest, RefusesAMissingSegment) {
  ASSERT_TRUE(files_.Unlink(paths_[3]).ok());
  const absl::Status status = Open();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_NE(status.message().find(paths_[3]), absl::string_view::npos) << status;
}

TEST_F(LogSegmentDamageTest, RefusesALogWithoutItsNewestSegments) {
  for (size_t i = paths_.size(); i-- > 0;) {
    ASSERT_TRUE(files_.Unlink(paths_[i]).ok());
    const absl::Status status = Open();
    EXPECT_TRUE(absl::IsDataLoss(status)) << i << status;
    EXPECT_NE(status.message().find(paths_.back()), absl::string_view::npos) << status;
  }
}

TEST_F(LogSegmentDamageTest, RefusesASegmentInTheMiddleThatIsShorter) {
  const std::string good = files_.ReadAll(paths_[3]);
  files_.WriteAll(paths_[3], good.substr(0, good.size() - 8));
  EXPECT_TRUE(absl::IsDataLoss(Open()));
  files_.WriteAll(paths_[3], good);
  EXPECT_TRUE(Open().ok());
}

TEST_F(LogSegmentDamageTest, LeavesAloneWhatASegmentInTheMiddleHasTooMuch) {
  files_.WriteAll(paths_[3], files_.ReadAll(paths_[3]) + "12345678");
  const std::unique_ptr<Log> log = OpenLog(files_, kDamagedDir);
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->recovery_report().ignored.size(), 1U);
  EXPECT_EQ(ExpectGoodRecords(*log), 100U);
  EXPECT_EQ(CheckLog(files_, kDamagedDir, {})->damages.size(), 1U);
}

TEST_F(LogSegmentDamageTest, DamageBeforeWhatIsNeededDoesNotMatter) {
  const std::vector<std::string> good = {files_.ReadAll(paths_[2]), files_.ReadAll(paths_.back())};
  const uint64_t needed_from = 99;
  LogOptions options = SmallSegments();
  options.needed_from = needed_from;
  options.needed_from_was_durable = true;
  // In a header; in a record; in a record of the segment that recovery begins in.
  for (const auto& [path, at] : {std::pair<std::string, size_t>(paths_[2], 20),
                                 std::pair<std::string, size_t>(paths_[2], 400),
                                 std::pair<std::string, size_t>(paths_.back(), 80)}) {
    const std::string content = files_.ReadAll(path);
    std::string bad = content;
    bad[at] ^= 1;
    files_.WriteAll(path, bad);
    const auto log = Log::Open(files_, kDamagedDir, options);
    ASSERT_TRUE(log.ok()) << log.status();
    const auto reader = (*log)->NewReader(needed_from);
    ASSERT_TRUE(reader.ok()) << reader.status();
    const auto record = (*reader)->Next();
    ASSERT_TRUE(record.ok() && record->has_value()) << record.status();
    EXPECT_EQ(TextOfBytes((*record)->payload), PayloadOf(needed_from));
    files_.WriteAll(path, content);
  }
}

TEST_F(LogSegmentDamageTest, RefusesASegmentUnderAnotherName) {
  ASSERT_TRUE(files_.Rename(paths_[3], "/log/00000000000000000001.log").ok());
  EXPECT_TRUE(absl::IsDataLoss(Open()));
}

TEST_F(LogSegmentDamageTest, ReadersRefuseADamagedRecordInTheMiddle) {
  std::string bad = files_.ReadAll(paths_[3]);
  // A whole sector of zeros: not taken for an interrupted write here.
  std::fill_n(bad.begin() + 512, 512, '\0');
  files_.WriteAll(paths_[3], bad);
  const std::unique_ptr<Log> log = OpenLog(files_, kDamagedDir);
  const auto reader = log->NewReader(0);
  absl::Status status;
  uint64_t good = 0;
  while (status.ok() && good < 100) {
    status = (*reader)->Next().status();
    if (status.ok()) ++good;
  }
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_NE(status.message().find(paths_[3]), absl::string_view::npos) << status;
  const auto report = CheckLog(files_, kDamagedDir, {});
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->damages.size(), 1U);
  EXPECT_EQ(report->damages.front().from, good);
  EXPECT_EQ(report->damages.front().path, paths_[3]);
  EXPECT_EQ(report->segments.size(), paths_.size());

  EXPECT_TRUE(absl::IsDataLoss(Truncate(good + 1).status()));
  const auto truncation = Truncate(good);
  ASSERT_TRUE(truncation.ok()) << truncation.status();
  EXPECT_EQ(truncation->next_offset, good);
  // The segments behind, and the one that was cut, are kept.
  EXPECT_EQ(files_.ListDir("/removed/19700101T000000Z/log")->size(), paths_.size() - 3);
  EXPECT_EQ(ExpectGoodRecords(*OpenLog(files_, kDamagedDir)), good);
}

TEST_F(LogSegmentDamageTest, ChecksEverySegmentAndListsEveryProblem) {
  EXPECT_TRUE(CheckLog(files_, kDamagedDir, {})->damages.empty());
  for (const size_t segment : {1, 4}) {
    std::string bad = files_.ReadAll(paths_[segment]);
    bad[segment == 1 ? 70 : 20] ^= 1;
    files_.WriteAll(paths_[segment], bad);
  }
  std::string torn = files_.ReadAll(paths_.back());
  files_.WriteAll(paths_.back(), torn + "torn");
  const auto report = CheckLog(files_, kDamagedDir, {});
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->damages.size(), 2U);
  EXPECT_EQ(report->damages[0].path, paths_[1]);
  EXPECT_EQ(report->damages[0].position, 64U);
  EXPECT_EQ(report->damages[1].path, paths_[4]);
  EXPECT_EQ(report->damages[1].position, 0U);
  EXPECT_EQ(report->torn_bytes, 4U);
}

TEST_F(LogSegmentDamageTest, TruncatesAtEveryOffset) {
  for (uint64_t offset = 100;; --offset) {
    const auto truncation = Truncate(offset);
    ASSERT_TRUE(truncation.ok()) << offset << truncation.status();
    const auto report = CheckLog(files_, kDamagedDir, {});
    EXPECT_TRUE(report->damages.empty());
    EXPECT_EQ(report->segments.back().next_offset, offset);
    EXPECT_TRUE(absl::IsInvalidArgument(Truncate(offset + 1).status()));
    EXPECT_EQ(ExpectGoodRecords(*OpenLog(files_, kDamagedDir)), offset);
    if (offset == 0) break;
  }
}

}  // namespace
}  // namespace freshet
