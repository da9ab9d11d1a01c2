#include "server/snapshot/snapshot_retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 24 * kHour;

class SnapshotRetentionTest : public testing::Test {
 protected:
  void SetUp() override {
    v1::Model model;
    model.set_name("models/ctr");
    auto store = SnapshotStore::Open(files_, "/snapshots", model);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  // Takes a snapshot at a time; its offset is that of the one before plus 1.
  void Take(int64_t seconds, v1::SnapshotTrigger trigger = v1::SNAPSHOT_TRIGGER_INTERVAL) {
    v1::SnapshotFileHeader header;
    header.mutable_model()->set_name("models/ctr");
    v1::Snapshot& snapshot = *header.mutable_snapshot();
    snapshot.set_name(StrCat("models/ctr/snapshots/s", ++taken_));
    snapshot.set_offset(taken_);
    snapshot.set_trigger(trigger);
    snapshot.mutable_create_time()->set_seconds(seconds);
    const auto written = store_->Write(header, {});
    ASSERT_TRUE(written.ok()) << written.status();
  }

  std::vector<std::string> Old(KeptSnapshots keep) {
    std::vector<std::string> ids;
    for (const v1::Snapshot& snapshot : SnapshotRetention(*store_, keep, {}).Old(0)) {
      ids.push_back(snapshot.name().substr(std::string_view("models/ctr/snapshots/").size()));
    }
    return ids;
  }

  FaultFileSystem files_;
  std::unique_ptr<SnapshotStore> store_;
  uint64_t taken_ = 0;
};

TEST_F(SnapshotRetentionTest, KeepsTheNewestOnes) {
  for (int i = 0; i < 5; ++i) Take(i * kDay);
  EXPECT_THAT(Old({.count = 2}), ElementsAre("s1", "s2", "s3"));
  EXPECT_THAT(Old({.count = 9}), IsEmpty());
}

TEST_F(SnapshotRetentionTest, OlderOnesThinOutByHoursAndDays) {
  // Every 20 minutes of two days: s1 is that of 00:00 of day 0, s144 that of 23:40 of day 1.
  for (int i = 0; i < 144; ++i) Take(i * kHour / 3);
  const SnapshotRetention retention(*store_, {.count = 2, .hourly = 3, .daily = 2}, {});
  std::vector<std::string> left;
  for (const v1::SnapshotFileHeader& header : store_->List()) {
    left.push_back(header.snapshot().name());
  }
  for (const v1::Snapshot& old : retention.Old(0)) std::erase(left, old.name());
  // The last of day 0 and of the hours 21, 22 and 23, and the newest two.
  EXPECT_THAT(left, ElementsAre("models/ctr/snapshots/s72", "models/ctr/snapshots/s138",
                                "models/ctr/snapshots/s141", "models/ctr/snapshots/s143",
                                "models/ctr/snapshots/s144"));
  // The log need not reach back to those that are kept for people.
  EXPECT_EQ(retention.NeededFrom(0), 143U);
}

TEST_F(SnapshotRetentionTest, AnHourWithoutSnapshotsDoesNotCount) {
  Take(0);
  Take(100 * kHour);
  Take(300 * kHour);
  EXPECT_THAT(Old({.count = 1, .hourly = 3}), IsEmpty());
  EXPECT_THAT(Old({.count = 1, .hourly = 2}), ElementsAre("s1"));
}

TEST_F(SnapshotRetentionTest, SnapshotsOnRequestAreNotCounted) {
  Take(0, v1::SNAPSHOT_TRIGGER_REQUEST);
  Take(1);
  Take(2);
  Take(3, v1::SNAPSHOT_TRIGGER_REQUEST);
  EXPECT_THAT(Old({.count = 1, .hourly = 1, .daily = 1}), ElementsAre("s2"));
}

}  // namespace
}  // namespace freshet
