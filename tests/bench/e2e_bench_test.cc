// The benchmarks run and say what they should; how fast is not tested.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/bench/release_build.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

std::string Bench() { return BinaryDir() + "/e2e_bench"; }

TEST(EndToEndBenchTest, EveryBenchmarkHasAResult) {
  if (!kReleaseBuild) GTEST_SKIP() << "it only runs in a release build";
  const TemporaryFolder folder;
  const std::string json = folder.path() + "/results.json";
  const std::string merged = folder.path() + "/merged.json";
  std::ofstream(merged) << R"({"benchmarks":[{"name":"learn/sgd","items_per_second":5e6}]})";
  const CommandResult run = RunCommand(
      {Bench(), "--smoke", "--json=" + json, "--dir=" + folder.path(), "--merge=core=" + merged});
  ASSERT_EQ(run.code, 0) << run.err;

  std::ostringstream text;
  text << std::ifstream(json).rdbuf();
  google::protobuf::Struct results;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text.str(), &results).ok()) << text.str();
  EXPECT_GT(results.fields().at("machine").struct_value().fields().at("cores").number_value(), 0);
  std::set<std::string> names;
  for (const auto& result : results.fields().at("results").list_value().values()) {
    const auto& fields = result.struct_value().fields();
    EXPECT_TRUE(names.insert(fields.at("name").string_value()).second) << result.DebugString();
    EXPECT_TRUE(fields.at("value").has_number_value()) << result.DebugString();
    EXPECT_NE(fields.at("unit").string_value(), "") << result.DebugString();
  }
  for (const char* const name : {"core/learn/sgd",
                                 "wire/512/1",
                                 "wire/512/1/server_cpu",
                                 "learner/512/1",
                                 "end_to_end/raw/fsync/512/1",
                                 "end_to_end/raw/fsync/512/1/server_cpu",
                                 "end_to_end/raw/fsync/512/1/client_cpu",
                                 "end_to_end/raw/fsync/512/1/ack_p50",
                                 "end_to_end/raw/fsync/512/1/ack_p99",
                                 "end_to_end/raw/fsync/512/1/ack_p999",
                                 "end_to_end/raw/os/512/1",
                                 "end_to_end/raw/none/512/1",
                                 "end_to_end/pusher/fsync/512/1",
                                 "end_to_end/fsync_of_none/512/1",
                                 "end_to_end/512/1/server_peak_memory",
                                 "end_to_end/one_at_a_time/fsync/ack_p99",
                                 "disk/append_128kB_fdatasync/p50",
                                 "disk/append_128kB_fdatasync/p99",
                                 "predict/alone/1/1/p50",
                                 "predict/learning/1/1/p999",
                                 "snapshot/predict/p99",
                                 "snapshot/ack/max",
                                 "snapshot/learn",
                                 "snapshot/pause",
                                 "snapshot/write",
                                 "snapshot/load",
                                 "replay",
                                 "replay/server_cpu"}) {
    EXPECT_EQ(names.count(name), 1U) << name;
  }
}

TEST(EndToEndBenchTest, OnlyAReleaseBuildIsMeasured) {
  if (kReleaseBuild) GTEST_SKIP() << "this is one";
  const CommandResult run = RunCommand({Bench(), "--smoke"});
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("not a release build"));
}

TEST(EndToEndBenchTest, AnUnknownBenchmarkIsNamed) {
  if (!kReleaseBuild) GTEST_SKIP() << "it only runs in a release build";
  const CommandResult run = RunCommand({Bench(), "--smoke", "speed"});
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("'speed'"));
}

}  // namespace
}  // namespace freshet
