// The threads that the log allows, on real files: run under ThreadSanitizer.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "core/base/byte_text.h"
#include "server/log/log.h"
#include "tests/server/log/log_fixture.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

constexpr uint64_t kRecords = 2000;

// Reads all records from `first` to the last that will be appended.
void Follow(Log& log, uint64_t first) {
  const absl::StatusOr<std::unique_ptr<LogReader>> reader = log.NewReader(first);
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (uint64_t offset = first; offset < kRecords;) {
    const absl::StatusOr<std::optional<LogRecord>> record = (*reader)->Next();
    ASSERT_TRUE(record.ok()) << record.status();
    if (!record->has_value()) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ((*record)->offset, offset);
    ASSERT_EQ(TextOfBytes((*record)->payload), PayloadOf(offset));
    ++offset;
  }
}

TEST(LogConcurrencyTest, AppendsWhileOthersSyncReadAndDrop) {
  const TemporaryFolder folder;
  const absl::StatusOr<std::unique_ptr<Log>> opened =
      Log::Open(PosixFileSystem(), folder.path(), {.segment_bytes = 50'000});
  ASSERT_TRUE(opened.ok()) << opened.status();
  Log& log = **opened;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  threads.reserve(6);
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { Follow(log, 0); });
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!done.load()) {
        const uint64_t target = log.next_offset();
        EXPECT_TRUE(log.Sync().ok());
        EXPECT_GE(log.durable_offset(), target);
      }
    });
  }
  threads.emplace_back([&] {
    while (!done.load()) {
      EXPECT_TRUE(log.DropBefore(log.next_offset(), {}, absl::Now()).ok());
      const absl::StatusOr<std::unique_ptr<LogReader>> reader = log.NewReader(log.next_offset());
      // The log may have gone on since, but not back.
      EXPECT_TRUE(reader.ok() || absl::IsOutOfRange(reader.status())) << reader.status();
      EXPECT_GT(log.size_bytes(), 0U);
    }
  });
  AppendMany(log, kRecords);
  done.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(log.Sync().ok());
  EXPECT_EQ(log.durable_offset(), kRecords);
  // With the readers gone all but the last segment may go.
  EXPECT_TRUE(log.DropBefore(kRecords, {}, absl::Now()).ok());
  EXPECT_LT(log.size_bytes(), 100'000U);
}

}  // namespace
}  // namespace freshet
