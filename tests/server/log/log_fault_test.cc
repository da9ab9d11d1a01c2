// What the log keeps when calls fail and when the power goes. An acknowledged record is one that a
// Sync() or Recover() which succeeded has covered.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <random>
#include <string>

#include "absl/time/clock.h"
#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "tests/server/log/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

constexpr const char* kFaultDir = "/log";
constexpr std::array kSurvivals = {Survival::kNothing, Survival::kPrefix, Survival::kAnySectors};

// A server that uses a log: it appends, syncs, recovers, drops and reopens, and keeps count of what
// it may promise.
class LogUser {
 public:
  explicit LogUser(FaultFileSystem& files) : files_(files) {}

  void Open() {
    log_.reset();
    absl::StatusOr<std::unique_ptr<Log>> log = Log::Open(files_, kFaultDir, SmallSegments());
    // Faults may keep it from opening, but may not be taken for damage.
    EXPECT_FALSE(absl::IsDataLoss(log.status()) && !FailedToRead(log.status())) << log.status();
    if (!log.ok()) return;
    log_ = *std::move(log);
    EXPECT_GE(log_->next_offset(), acknowledged_);
    acknowledged_ = std::max(acknowledged_, log_->durable_offset());
  }

  // Appends a record; where the log does not trust itself any more, it recovers.
  void Append() {
    if (log_ == nullptr) Open();
    if (log_ == nullptr) return;
    const uint64_t before = log_->next_offset();
    const absl::Status status = AppendNext(*log_);
    EXPECT_EQ(log_->next_offset(), before + (status.ok() ? 1 : 0));
    if (absl::IsFailedPrecondition(status)) Recover();
  }

  void Sync() {
    if (log_ == nullptr) return;
    const uint64_t target = log_->next_offset();
    const absl::Status status = log_->Sync();
    if (status.ok()) {
      EXPECT_GE(log_->durable_offset(), target);
      acknowledged_ = std::max(acknowledged_, target);
    } else if (absl::IsFailedPrecondition(status)) {
      Recover();
    }
  }

  void Drop(uint64_t offset) {
    if (log_ == nullptr || offset > acknowledged_) return;
    dropped_ = std::max(dropped_, offset);
    log_->DropBefore(offset, {}, absl::Now()).IgnoreError();
  }

  // Finds out what is on the disk. Whether that worked.
  bool Recover() {
    const absl::StatusOr<uint64_t> recovered = log_->Recover();
    if (!recovered.ok()) return false;
    EXPECT_GE(*recovered, acknowledged_);
    EXPECT_EQ(*recovered, log_->next_offset());
    acknowledged_ = std::max(acknowledged_, *recovered);
    return true;
  }

  // `safe_offset()` is from now on what the log promised for a crash of the process.
  void Close() {
    safe_offset_ = log_ == nullptr ? 0 : log_->safe_offset();
    log_.reset();
  }

  // After all faults are gone: what is there must be good and hold all that was promised.
  void ExpectAllThere(const std::string& context) {
    SCOPED_TRACE(context);
    log_ = OpenLog(files_, kFaultDir);
    ASSERT_NE(log_, nullptr);
    EXPECT_GE(log_->next_offset(), acknowledged_);
    EXPECT_LE(log_->first_offset(), dropped_);
    ExpectGoodRecords(*log_);
    AppendMany(*log_, 20);
    ExpectGoodRecords(*log_);
    log_.reset();
  }

  // The same after a crash of the process, which takes nothing from the disk's memory.
  void ExpectAllThereAfterCrash(const std::string& context) {
    {
      SCOPED_TRACE(context);
      const std::unique_ptr<Log> log = OpenLog(files_, kFaultDir);
      ASSERT_NE(log, nullptr);
      EXPECT_GE(log->next_offset(), safe_offset_);
    }
    ExpectAllThere(context);
  }

  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t safe_offset() const { return safe_offset_; }

 private:
  // An injected EIO is DATA_LOSS too, but says that it could not read.
  static bool FailedToRead(const absl::Status& status) {
    return status.message().find("cannot") != absl::string_view::npos;
  }

  FaultFileSystem& files_;
  std::unique_ptr<Log> log_;
  uint64_t acknowledged_ = 0;
  uint64_t safe_offset_ = 0;
  uint64_t dropped_ = 0;
};

// Appends with syncs, rotations, drops and a reopening.
void RunScenario(LogUser& user) {
  user.Open();
  for (int i = 1; i <= 48; ++i) {
    user.Append();
    if (i % 4 == 0) user.Sync();
    if (i == 24) user.Drop(15);
    if (i == 30) user.Open();
  }
  user.Sync();
  user.Append();
}

TEST(LogFaultTest, EveryCallFailingOnceOrForGoodLosesNothingAcknowledged) {
  std::mt19937_64 random(1);
  uint64_t calls_without_fault = 0;
  {
    FaultFileSystem files;
    LogUser user(files);
    RunScenario(user);
    user.Close();
    EXPECT_EQ(user.acknowledged(), 48U);
    calls_without_fault = files.calls();
  }
  for (uint64_t call = 0; call < calls_without_fault; ++call) {
    for (const int error : {ENOSPC, EIO}) {
      for (const bool for_good : {false, true}) {
        for (int ending = 0; ending < 4; ++ending) {
          FaultFileSystem files;
          LogUser user(files);
          for_good ? files.FailFrom(call, error) : files.FailCall(call, error);
          RunScenario(user);
          user.Close();
          files.Heal();
          // The last ending is that of a process that is killed: nothing is lost.
          if (ending < 3) files.PowerLoss(kSurvivals[static_cast<size_t>(ending)], random);
          EXPECT_GE(user.acknowledged(), for_good ? 0U : 44U) << call;
          const std::string context = StrCat("call ", call, ", error ", error, ", for good ",
                                             int{for_good}, ", ending ", ending);
          ending < 3 ? user.ExpectAllThere(context) : user.ExpectAllThereAfterCrash(context);
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

// They were counted as lost, though they are in the file: a server without syncs ended with the
// exit code for that.
TEST(LogFaultTest, WhatWasAppendedIsSafeFromACrashAlsoWhereNothingCanBeWrittenAnyMore) {
  for (const int error : {EROFS, EIO, ENOSPC}) {
    FaultFileSystem files;
    LogUser user(files);
    user.Open();
    for (int i = 0; i < 5; ++i) user.Append();
    files.FailFrom(0, error);
    user.Append();
    EXPECT_FALSE(user.Recover());
    user.Close();
    EXPECT_EQ(user.safe_offset(), 5U);
    EXPECT_LT(user.acknowledged(), 5U);
    files.Heal();
    user.ExpectAllThereAfterCrash(StrCat("error ", error));
  }
}

// A sync fails, then call number `call` of the recovery, once or for good; the recovery is tried
// again, or the process ends in the midst of it. Returns whether that call was reached.
bool FailDuringRecovery(DiskReads reads, uint64_t call, bool for_good, bool again, int ending) {
  FaultFileSystem files;
  files.SetDiskReads(reads);
  LogUser user(files);
  user.Open();
  for (int i = 0; i < 14; ++i) user.Append();
  user.Sync();
  for (int i = 0; i < 3; ++i) user.Append();
  files.FailCall(0, EIO);
  user.Sync();
  EXPECT_EQ(user.acknowledged(), 14U);
  for_good ? files.FailFrom(call, EIO) : files.FailCall(call, EIO);
  const bool recovered = user.Recover();
  const bool reached = files.calls() > call;
  EXPECT_NE(recovered, reached);
  files.Heal();
  if (again) {
    EXPECT_TRUE(user.Recover());
    EXPECT_EQ(user.acknowledged(), 17U);
  }
  user.Close();
  std::mt19937_64 random(call);
  if (ending < 3) files.PowerLoss(kSurvivals[static_cast<size_t>(ending)], random);
  const std::string context =
      StrCat("reads ", static_cast<int>(reads), ", call ", call, ", for good ", int{for_good},
             ", again ", int{again}, ", ending ", ending);
  ending < 3 ? user.ExpectAllThere(context) : user.ExpectAllThereAfterCrash(context);
  return reached;
}

TEST(LogFaultTest, EveryCallOfARecoveryFailingOnceOrForGoodLosesNothingAcknowledged) {
  for (const DiskReads reads : {DiskReads::kDirect, DiskReads::kDroppedCache, DiskReads::kMemory}) {
    for (const bool for_good : {false, true}) {
      for (const bool again : {false, true}) {
        for (int ending = 0; ending < 4; ++ending) {
          uint64_t call = 0;
          while (FailDuringRecovery(reads, call, for_good, again, ending)) {
            if (testing::Test::HasFailure()) return;
            ++call;
          }
          EXPECT_GT(call, 8U);
        }
      }
    }
  }
}

TEST(LogFaultTest, AnyUnsyncedWritesMayBeLostOrTornWithThePower) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 random(seed);
    FaultFileSystem files;
    LogUser user(files);
    // Several lives, each ended by a loss of power at any moment.
    for (int life = 0; life < 4; ++life) {
      user.Open();
      for (uint64_t i = random() % 40; i > 0; --i) {
        user.Append();
        if (random() % 8 == 0) user.Sync();
        if (random() % 32 == 0) user.Drop(user.acknowledged() / 2);
      }
      user.Close();
      files.PowerLoss(kSurvivals[seed % 3], random);
      if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ", life " << life;
    }
    user.ExpectAllThere(StrCat("seed ", seed));
  }
}

TEST(LogFaultTest, RandomFaultsAndLossesOfPowerLoseNothingAcknowledged) {
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    std::mt19937_64 random(seed);
    FaultFileSystem files;
    files.SetDiskReads(seed % 2 == 0 ? DiskReads::kDirect : DiskReads::kDroppedCache);
    LogUser user(files);
    for (int life = 0; life < 4; ++life) {
      for (uint64_t i = random() % 60; i > 0; --i) {
        if (random() % 8 == 0) {
          const uint64_t call = random() % 8;
          const int error = random() % 2 == 0 ? EIO : ENOSPC;
          random() % 2 == 0 ? files.FailCall(call, error) : files.FailFrom(call, error);
        } else if (random() % 4 == 0) {
          files.Heal();
        }
        user.Append();
        if (random() % 4 == 0) user.Sync();
        if (random() % 32 == 0) user.Drop(user.acknowledged() / 2);
        if (random() % 32 == 0) user.Open();
      }
      user.Close();
      files.Heal();
      if (random() % 2 == 0) files.PowerLoss(kSurvivals[seed % 3], random);
      if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ", life " << life;
    }
    user.ExpectAllThere(StrCat("seed ", seed));
  }
}

}  // namespace
}  // namespace freshet
