// The command freshet push, and the file of predictions that it writes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/str_cat.h"
#include "tests/support/file_text.h"
#include "tests/support/server_fixture.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class PushCommandTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    CreateModel("ctr");
  }

  CommandResult Push(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {BinaryDir() + "/freshet", "--server", server_->address(),
                                    "push", "ctr"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return RunCommand(all);
  }

  // Writes a file with the rows from `first` up to `end`, and returns its path.
  std::string WriteRows(const std::string& name, int first, int end) const {
    std::string path = folder_.path() + "/" + name;
    std::ofstream file(path);
    for (int row = first; row < end; ++row) {
      file << (row % 3 == 0 ? "1" : "0") << " |n a" << row % 3 << " b" << row << "\n";
    }
    return path;
  }

  uint64_t LearnedCount() const { return client_->GetModel("ctr")->example_count(); }

  // Pushes until `rows` rows are learned, then sends the signal.
  CommandResult PushAndStop(const std::vector<std::string>& arguments, uint64_t rows,
                            int signal) const {
    const std::string pid_path = folder_.path() + "/pid";
    std::filesystem::remove(pid_path);
    std::vector<std::string> all = {"/bin/sh",
                                    "-c",
                                    R"(echo $$ > "$0"; exec "$@")",
                                    pid_path,
                                    BinaryDir() + "/freshet",
                                    "--server",
                                    server_->address(),
                                    "push",
                                    "ctr"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    CommandResult result;
    std::thread command([&] { result = RunCommand(all); });
    while (LearnedCount() < rows) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    kill(std::stoi(FileText(pid_path)), signal);
    command.join();
    return result;
  }

  // The number with this key in a line of JSON.
  static double Number(const std::string& json, const std::string& key) {
    const size_t at = json.find(StrCat("\"", key, "\":"));
    return at == std::string::npos ? -1 : std::strtod(json.c_str() + at + key.size() + 3, nullptr);
  }
};

// Rows that could not be read used to have no line in the file of predictions, so all later rows
// were on the wrong lines.
TEST_F(PushCommandTest, PredictionsStandInTheLinesOfTheirRowsBesideBadOnes) {
  const std::string path = folder_.path() + "/rows.vw";
  std::ofstream(path) << "0 |n a\nnonsense |n a\n7 |n a\n0 |n a\n0 |n a:x\n\n0 |n a\n1 |n a:inf\n";
  for (const char* batch_size : {"1", "2", "512"}) {
    const std::string out = folder_.path() + "/predictions-" + batch_size;
    const CommandResult pushed =
        Push({path, "--skip-errors", "--predictions", out, "--batch-size", batch_size});
    EXPECT_EQ(pushed.code, 0) << pushed.err;
    std::vector<bool> is_number;
    std::ifstream file(out);
    for (std::string line; std::getline(file, line);) is_number.push_back(line != "nan");
    EXPECT_EQ(is_number, (std::vector<bool>{true, false, false, true, false, true, false}));
  }
}

// The summary used to give the figures of all that the model has learned.
TEST_F(PushCommandTest, SaysWhatTheseRowsGaveBesideWhatTheModelHas) {
  const std::string first = Push({WriteRows("a.vw", 0, 3000), "--json"}).out;
  const std::string second = Push({WriteRows("b.vw", 3000, 4000), "--json"}).out;
  EXPECT_NEAR(Number(first, "pushLoss"), Number(first, "loss"), 1e-9) << first;
  EXPECT_NEAR(Number(first, "pushLossBaseRate"), Number(first, "lossBaseRate"), 1e-9);
  EXPECT_NEAR(Number(second, "pushLoss"),
              (4000 * Number(second, "loss") - 3000 * Number(first, "loss")) / 1000, 1e-6);
  EXPECT_LT(Number(second, "pushLoss"), Number(second, "loss") - 0.001);
  EXPECT_GT(Number(second, "pushLossBaseRate"), 0.6);
  EXPECT_GT(Number(second, "pushAuc"), 0.99);
  const CommandResult third = Push({WriteRows("c.vw", 4000, 4500)});
  EXPECT_THAT(third.out, AllOf(StartsWith("ctr: learned 500 rows, in "), HasSubstr("this push"),
                               HasSubstr("the model"), HasSubstr("4,500")));
}

// A row whose update would not be finite used to be counted as learned.
TEST_F(PushCommandTest, RowsThatTheLearnerSkipsAreNotCountedAsLearned) {
  v1::LearnerSpec learner = SmallLearner();
  learner.set_loss(v1::LOSS_SQUARED);
  learner.mutable_sgd();
  ASSERT_TRUE(client_->CreateModel("numbers", learner).ok());
  const std::string path = folder_.path() + "/rows.vw";
  std::ofstream file(path);
  for (int row = 0; row < 1000; ++row) file << "3e38 |n x:3e38\n";
  file << "1 |n a\n" << std::flush;
  for (const char* batch_size : {"7", "512"}) {
    const CommandResult pushed =
        RunCommand({BinaryDir() + "/freshet", "--server", server_->address(), "push", "numbers",
                    path, "--batch-size", batch_size});
    EXPECT_EQ(pushed.code, 0) << pushed.err;
    EXPECT_THAT(pushed.out,
                StartsWith("numbers: learned 1 row, 1,000 not learned because their update would"));
    EXPECT_THAT(pushed.err, HasSubstr("1,000 rows had numbers so large"));
  }
}

TEST_F(PushCommandTest, ASecondPushOfTheProducerGoesOnWhereItWas) {
  const std::string part = WriteRows("part.vw", 0, 1000);
  const std::string all = WriteRows("all.vw", 0, 1700);
  EXPECT_EQ(Push({part, "--producer-id", "daily", "--batch-size", "64"}).code, 0);
  const CommandResult more = Push({all, "--producer-id", "daily", "--batch-size", "300"});
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_THAT(more.out, StartsWith("ctr: learned 700 new rows, 1,000 already known, in "));
  EXPECT_THAT(more.err, HasSubstr("going on after row 1,000, where producer daily was"));
  EXPECT_EQ(LearnedCount(), 1700U);
  for (const char* batch_size : {"1", "7", "512"}) {
    const CommandResult again = Push({all, "--producer-id", "daily", "--batch-size", batch_size});
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_THAT(again.out, StartsWith("ctr: 0 new rows, 1,700 already known"));
    EXPECT_EQ(LearnedCount(), 1700U);
  }
  CreateModel("whole");
  EXPECT_EQ(
      RunCommand({BinaryDir() + "/freshet", "--server", server_->address(), "push", "whole", all})
          .code,
      0);
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, client_->ComputeDigest("whole")->digest);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(Push({all, "--producer-id", "daily"}).out, HasSubstr("0 new rows"));
}

// Bad rows have numbers, too: a row keeps its number if rows before it are bad.
TEST_F(PushCommandTest, GoesOnBehindBadRowsAndFillsInWhatWasRefused) {
  const std::string path = folder_.path() + "/rows.vw";
  const std::string good = "0 |n a\n1 |n b\n";
  std::ofstream(path) << good << "nonsense |n a\n" << good << "0 |n a:x\n";
  const CommandResult stopped = Push({path, "--producer-id", "p"});
  EXPECT_EQ(stopped.code, 65);
  EXPECT_EQ(LearnedCount(), 2U);
  EXPECT_THAT(Push({path, "--producer-id", "p", "--skip-errors", "--batch-size", "1"}).out,
              StartsWith("ctr: learned 2 new rows, 2 already known, 2 skipped"));
  std::ofstream(path, std::ios::app) << good;
  EXPECT_THAT(Push({path, "--producer-id", "p", "--skip-errors"}).out,
              StartsWith("ctr: learned 2 new rows, 4 already known, 2 skipped"));
  EXPECT_EQ(LearnedCount(), 6U);
}

TEST_F(PushCommandTest, PredictionsOfKnownRowsAreNotNumbers) {
  const std::string out = folder_.path() + "/predictions";
  Push({WriteRows("a.vw", 0, 2), "--producer-id", "p"});
  EXPECT_EQ(Push({WriteRows("b.vw", 0, 4), "--producer-id", "p", "--predictions", out}).code, 0);
  std::ifstream file(out);
  std::vector<bool> is_number;
  for (std::string line; std::getline(file, line);) is_number.push_back(line != "nan");
  EXPECT_EQ(is_number, (std::vector<bool>{false, false, true, true}));
}

// The command used to end with 0, and nothing said where to go on.
TEST_F(PushCommandTest, ASignalEndsItWithTheRowToGoOnFrom) {
  const std::string path = WriteRows("rows.vw", 0, 1000);
  const CommandResult stopped = PushAndStop({path, "--follow"}, 1000, SIGINT);
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_THAT(stopped.out, StartsWith("ctr: learned 1,000 rows, in "));
  const std::string how = StrCat("interrupted; go on from row 1,001, which is after ", path,
                                 ":1000, with the same command and --producer-id ");
  EXPECT_THAT(stopped.err, HasSubstr(how));
  const std::string id = stopped.err.substr(stopped.err.find(how) + how.size(), 32);
  WriteRows("rows.vw", 0, 1200);
  const CommandResult rest = Push({path, "--producer-id", id});
  EXPECT_THAT(rest.out, StartsWith("ctr: learned 200 new rows, 1,000 already known"));
  EXPECT_EQ(LearnedCount(), 1200U);

  WriteRows("rows.vw", 0, 1300);
  const CommandResult ended =
      PushAndStop({path, "--follow", "--producer-id", id, "--json"}, 1300, SIGTERM);
  EXPECT_EQ(ended.code, 143) << ended.err;
  EXPECT_EQ(Number(ended.out, "lastRow"), 1300);
  EXPECT_THAT(ended.err, HasSubstr("with the same command once more"));
}

TEST_F(PushCommandTest, AFollowedFileIsGoneOnWithAfterARestart) {
  const std::string path = WriteRows("rows.vw", 0, 100);
  const std::vector<std::string> follow = {path, "--follow", "--producer-id", "tail"};
  EXPECT_EQ(PushAndStop(follow, 100, SIGKILL).code, 128 + SIGKILL);
  WriteRows("rows.vw", 0, 150);
  EXPECT_EQ(PushAndStop(follow, 150, SIGINT).code, 130);
  EXPECT_EQ(LearnedCount(), 150U);
}

TEST_F(PushCommandTest, AShuffledPushThatWasStoppedGoesOnInTheSameOrder) {
  const std::string path = WriteRows("rows.vw", 0, 2000);
  const std::vector<std::string> shuffled = {
      path, "--shuffle-buffer", "300", "--epochs", "2", "--seed", "5", "--producer-id", "p"};
  std::vector<std::string> slow = shuffled;
  slow.insert(slow.end(), {"--rate", "2000"});
  EXPECT_EQ(PushAndStop(slow, 500, SIGINT).code, 130);
  const CommandResult rest = Push(shuffled);
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(LearnedCount(), 4000U);
  CreateModel("whole");
  EXPECT_EQ(RunCommand({BinaryDir() + "/freshet", "--server", server_->address(), "push", "whole",
                        path, "--shuffle-buffer", "300", "--epochs", "2", "--seed", "5"})
                .code,
            0);
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, client_->ComputeDigest("whole")->digest);
}

}  // namespace
}  // namespace freshet
