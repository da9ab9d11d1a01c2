#include "server/log/log_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

// What a writer tells.
class Listener {
 public:
  void ListenTo(LogWriter& writer) {
    writer.SetCallbacks(
        [this](uint64_t offset) {
          absl::MutexLock lock(&mu_);
          logged_ = offset;
        },
        [this](const absl::Status& fault) {
          absl::MutexLock lock(&mu_);
          fault_ = fault;
        });
  }

  absl::Status AwaitFault() {
    const auto faulty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !fault_.ok(); };
    absl::MutexLock lock(&mu_, absl::Condition(&faulty));
    return fault_;
  }

  // Waits for the offset, then returns the fault as it is now.
  absl::Status AwaitLogged(uint64_t offset) {
    const auto logged = [this, offset]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return logged_ >= offset; };
    absl::MutexLock lock(&mu_, absl::Condition(&logged));
    return fault_;
  }

 private:
  absl::Mutex mu_;
  uint64_t logged_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status fault_ ABSL_GUARDED_BY(mu_);
};

void Append(LogWriter& writer, RecordKind kind, std::string payload) {
  writer.Append({.kind = kind, .head = std::move(payload), .tail = {}});
}

class LogWriterTest : public testing::Test {
 protected:
  std::shared_ptr<LogWriter> Start(const std::string& dir, absl::Duration retry_interval,
                                   bool sync = true) {
    return std::make_shared<LogWriter>(
        Log::Open(files_, dir, {}).value(), loggers_,
        LogWriter::Options{.sync = sync, .retry_interval = retry_interval});
  }

  FaultFileSystem files_;
  Listener first_listener_;
  Listener second_listener_;
  WorkerPool loggers_{"logger", 1};
};

TEST_F(LogWriterTest, GoesOnByItselfWhenTheDiskDoes) {
  const auto writer = Start("/log", absl::Milliseconds(1));
  first_listener_.ListenTo(*writer);
  files_.FailFrom(0, ENOSPC);
  Append(*writer, RecordKind::kBatch, "first");
  Append(*writer, RecordKind::kBatch, "second");
  EXPECT_TRUE(absl::IsUnavailable(first_listener_.AwaitFault()));
  files_.Heal();
  EXPECT_TRUE(first_listener_.AwaitLogged(2).ok());
}

TEST_F(LogWriterTest, SyncsWhatWasAppendedWhileItWasToldTo) {
  const auto writer = Start("/log", absl::Milliseconds(1), /*sync=*/false);
  first_listener_.ListenTo(*writer);
  uint64_t offset = 0;
  const auto syncs_after = [&](RecordKind kind) {
    Append(*writer, kind, "record");
    EXPECT_TRUE(first_listener_.AwaitLogged(++offset).ok());
    writer->OnApplied(offset);
    return writer->sync_latency().count;
  };
  EXPECT_EQ(syncs_after(RecordKind::kBatch), 0U);
  EXPECT_EQ(syncs_after(RecordKind::kSettings), 1U) << "what is no batch is always synced";
  EXPECT_EQ(syncs_after(RecordKind::kRestore), 2U);
  writer->SetSync(true);
  EXPECT_EQ(syncs_after(RecordKind::kBatch), 3U);
  writer->SetSync(false);
  EXPECT_EQ(syncs_after(RecordKind::kBatch), 3U);
}

TEST_F(LogWriterTest, GathersWhatComesWhileTheLearnerIsBehind) {
  const auto writer = Start("/log", absl::Milliseconds(1));
  first_listener_.ListenTo(*writer);
  Append(*writer, RecordKind::kBatch, "first");
  EXPECT_TRUE(first_listener_.AwaitLogged(1).ok());
  for (const char* payload : {"second", "third", "fourth"}) {
    Append(*writer, RecordKind::kBatch, payload);
  }
  EXPECT_EQ(writer->logged_offset(), 1U) << "they help nobody before the first one is learned";
  writer->OnApplied(1);
  EXPECT_TRUE(first_listener_.AwaitLogged(4).ok());
  EXPECT_EQ(writer->sync_latency().count, 2U);
}

TEST_F(LogWriterTest, AGroupIsNoLargerThanSomeMegabytes) {
  const auto writer = Start("/log", absl::Milliseconds(1));
  first_listener_.ListenTo(*writer);
  Append(*writer, RecordKind::kBatch, "first");
  EXPECT_TRUE(first_listener_.AwaitLogged(1).ok());
  const std::string large(size_t{5} << 20, 'x');
  Append(*writer, RecordKind::kBatch, large);
  Append(*writer, RecordKind::kBatch, large);
  for (uint64_t learned = 1; learned <= 2; ++learned) {
    writer->OnApplied(learned);
    EXPECT_TRUE(first_listener_.AwaitLogged(learned + 1).ok());
    EXPECT_EQ(writer->logged_offset(), learned + 1);
  }
  EXPECT_EQ(writer->sync_latency().count, 3U);
}

TEST_F(LogWriterTest, StopDropsWhatNobodyNeedsAndWritesTheRest) {
  const auto writer = Start("/log", absl::Milliseconds(1));
  first_listener_.ListenTo(*writer);
  files_.HoldSyncs(true);
  for (const char* payload : {"first", "second", "third", "fourth"}) {
    Append(*writer, RecordKind::kBatch, payload);
  }
  writer->OnApplied(2);
  writer->Stop(2);
  files_.HoldSyncs(false);
  EXPECT_TRUE(first_listener_.AwaitLogged(2).ok());
  WorkerPool::EndAll(std::array<WorkerPool*, 1>{&loggers_});
  // What was being written with the first one, and no more.
  EXPECT_LE(writer->logged_offset(), 4U);
  EXPECT_EQ(writer->safe_offset(), writer->logged_offset());
}

TEST_F(LogWriterTest, StopAlsoEndsAWriterThatTriesAgainAndAgain) {
  const auto writer = Start("/log", absl::Hours(1));
  first_listener_.ListenTo(*writer);
  files_.FailFrom(0, EIO);
  Append(*writer, RecordKind::kBatch, "first");
  EXPECT_TRUE(absl::IsUnavailable(first_listener_.AwaitFault()));
  writer->Stop(1);
  WorkerPool::EndAll(std::array<WorkerPool*, 1>{&loggers_});
  EXPECT_EQ(writer->logged_offset(), 0U);
}

// A log that waited for its disk once kept its thread. On a full disk the first few models said so,
// and pushes to all others hung without an answer.
TEST_F(LogWriterTest, AFaultyLogLeavesTheThreadToTheOthers) {
  const auto first = Start("/first", absl::Hours(1));
  const auto second = Start("/second", absl::Hours(1));
  first_listener_.ListenTo(*first);
  second_listener_.ListenTo(*second);
  files_.FailFrom(0, ENOSPC);
  Append(*first, RecordKind::kBatch, "a");
  EXPECT_TRUE(absl::IsUnavailable(first_listener_.AwaitFault()));
  Append(*second, RecordKind::kBatch, "b");
  EXPECT_TRUE(absl::IsUnavailable(second_listener_.AwaitFault()));
  first->StopRetrying();  // Else the pool would not end.
  second->StopRetrying();
}

}  // namespace
}  // namespace freshet
