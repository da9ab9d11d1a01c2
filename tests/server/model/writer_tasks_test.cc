#include "server/model/writer_tasks.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace freshet {
namespace {

using std::chrono::milliseconds;

class WriterTasksTest : public testing::Test {
 protected:
  void Add(const std::string& name, WriterShare share) {
    tasks_.Add([this, name] { ran_.push_back(name); }, share);
  }

  // Runs the task whose turn it is, which takes so long; false where there is none.
  bool Run(milliseconds duration, bool hurry = false) {
    const WriterTasks::Turn turn = tasks_.Take(hurry);
    if (turn.task == nullptr) return false;
    turn.task();
    tasks_.Ran(turn.share, duration);
    return true;
  }

  WriterTasks tasks_;
  std::vector<std::string> ran_;
};

TEST_F(WriterTasksTest, TasksOfAKindRunInOrder) {
  for (const std::string name : {"a", "b", "c"}) Add(name, WriterShare::kAtOnce);
  while (Run(milliseconds(100))) continue;
  EXPECT_EQ(ran_, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(tasks_.empty());
  EXPECT_FALSE(tasks_.owes_time());
}

TEST_F(WriterTasksTest, ALongTaskWaitsUntilRecordsHadNineTimesWhatTheLastOneTook) {
  Add("first", WriterShare::kLong);
  Add("second", WriterShare::kLong);
  EXPECT_TRUE(Run(milliseconds(10)));
  EXPECT_TRUE(tasks_.owes_time());
  EXPECT_FALSE(Run(milliseconds(10)));
  EXPECT_EQ(tasks_.RestNeeded(), milliseconds(90));
  tasks_.Learned(milliseconds(89));
  EXPECT_FALSE(Run(milliseconds(10)));
  tasks_.Learned(milliseconds(1));
  EXPECT_TRUE(Run(milliseconds(10)));
}

// A client that waits for each acknowledgement leaves the writer nothing to do meanwhile.
TEST_F(WriterTasksTest, RestCountsAsTimeForRecords) {
  Add("first", WriterShare::kLong);
  Add("second", WriterShare::kLong);
  EXPECT_TRUE(Run(milliseconds(10)));
  const WriterTasks::Time begin;
  tasks_.BeginRest(begin);
  tasks_.EndRest(begin + milliseconds(50));
  EXPECT_FALSE(Run(milliseconds(10)));
  EXPECT_EQ(tasks_.RestNeeded(), milliseconds(40));
  tasks_.BeginRest(begin + milliseconds(60));
  tasks_.EndRest(begin + milliseconds(100));
  EXPECT_TRUE(Run(milliseconds(10)));
}

TEST_F(WriterTasksTest, AKindDoesNotWaitForTheOther) {
  Add("digest", WriterShare::kLong);
  Add("snapshot", WriterShare::kLong);
  Add("figures", WriterShare::kBrief);
  Add("now", WriterShare::kAtOnce);
  EXPECT_TRUE(Run(milliseconds(0)));
  EXPECT_TRUE(Run(milliseconds(1)));
  EXPECT_TRUE(Run(milliseconds(500)));
  EXPECT_EQ(ran_, (std::vector<std::string>{"now", "figures", "digest"}));
  Add("more figures", WriterShare::kBrief);
  tasks_.Learned(milliseconds(9));
  EXPECT_TRUE(Run(milliseconds(1)));
  EXPECT_EQ(ran_.back(), "more figures");
  EXPECT_FALSE(Run(milliseconds(1)));
}

TEST_F(WriterTasksTest, NothingIsPutOffInAHurry) {
  for (int i = 0; i < 3; ++i) Add("task", WriterShare::kLong);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Run(milliseconds(1000), /*hurry=*/true));
  EXPECT_FALSE(Run(milliseconds(1), /*hurry=*/true));
}

}  // namespace
}  // namespace freshet
