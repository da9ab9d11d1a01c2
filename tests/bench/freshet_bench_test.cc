// The benchmarks run and report what they should; how fast they are is not tested.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/bench/release_build.h"
#include "tests/support/file_text.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Bench() { return BinaryDir() + "/freshet_bench"; }

TEST(FreshetBenchTest, EveryBenchmarkHasAResult) {
  if (!kReleaseBuild) GTEST_SKIP() << "freshet_bench only measures in a release build";
  const TemporaryFolder folder;
  const std::string json = folder.path() + "/results.json";
  const std::string merged = folder.path() + "/merged.json";
  std::ofstream(merged) << R"({"benchmarks":[{"name":"append","items_per_second":5e6}]})";
  const CommandResult run = RunCommand({Bench(), "--form=smoke", "--json=" + json,
                                        "--dir=" + folder.path(), "--merge=log=" + merged});
  ASSERT_EQ(run.code, 0) << run.err;

  const std::string text = FileText(json);
  google::protobuf::Struct results;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text, &results).ok()) << text;
  const auto& machine = results.fields().at("machine").struct_value().fields();
  for (const char* const fact :
       {"processor", "cores", "memory", "kernel", "compiler", "grpc", "fdatasync"}) {
    ASSERT_TRUE(machine.contains(fact)) << fact;
    EXPECT_NE(machine.at(fact).string_value(), "") << fact;
  }
  std::set<std::string> names;
  for (const auto& result : results.fields().at("results").list_value().values()) {
    const auto& fields = result.struct_value().fields();
    EXPECT_TRUE(names.insert(fields.at("name").string_value()).second) << result.DebugString();
    EXPECT_TRUE(fields.at("value").has_number_value()) << result.DebugString();
    EXPECT_NE(fields.at("unit").string_value(), "") << result.DebugString();
    ASSERT_TRUE(fields.contains("floor") && fields.contains("ratio")) << result.DebugString();
    EXPECT_EQ(fields.at("floor").has_number_value(), fields.at("ratio").has_number_value());
  }
  for (const char* const name : {"log/append",
                                 "core/sgd/18",
                                 "core/minibatch/18",
                                 "core/momentum/18",
                                 "core/nesterov/18",
                                 "core/adagrad/18",
                                 "core/rmsprop/18",
                                 "core/adam/18",
                                 "core/ftrl/18",
                                 "core/nag/18",
                                 "core/coin/18",
                                 "core/auto/18",
                                 "core/auto/18/8_features",
                                 "core/auto/18/30_numbers",
                                 "core/predict/adagrad/18",
                                 "core/metrics/logistic",
                                 "files/vw/parse",
                                 "files/vw/push",
                                 "files/vw/push/server_cpu",
                                 "files/vw/push/client_cpu",
                                 "files/vw/push_auto",
                                 "files/svmlight/push",
                                 "files/csv/push",
                                 "wire/packed/512/1",
                                 "wire/packed/512/1/server_cpu",
                                 "wire/readable/512/1",
                                 "learner/512/1",
                                 "end_to_end/packed/fsync/512/1",
                                 "end_to_end/packed/fsync/512/1/server_cpu",
                                 "end_to_end/packed/fsync/512/1/client_cpu",
                                 "end_to_end/packed/fsync/512/1/ack_p50",
                                 "end_to_end/packed/fsync/512/1/ack_p99",
                                 "end_to_end/packed/fsync/512/1/ack_p999",
                                 "end_to_end/packed/os/512/1",
                                 "end_to_end/packed/none/512/1",
                                 "end_to_end/pusher/fsync/512/1",
                                 "end_to_end/pusher/fsync/512/1/ack_p99",
                                 "end_to_end/readable/fsync/512/1",
                                 "end_to_end/fsync_of_none/512/1",
                                 "end_to_end/server_peak_memory/512/1",
                                 "end_to_end/one_at_a_time/fsync/ack_p99",
                                 "disk/append_128kB_fdatasync/p50",
                                 "disk/append_128kB_fdatasync/p99",
                                 "predict/alone/1/1/p50",
                                 "predict/learning/1/1/p999",
                                 "labels/predict/logged/alone/1/1/p50",
                                 "labels/predict/logged/learning/1/1/p99",
                                 "labels/predict/logged/learning/dropped",
                                 "labels/events/packed/fsync/512/1",
                                 "labels/joined/adagrad",
                                 "labels/joined/auto",
                                 "labels/joined/auto/server_cpu",
                                 "snapshot/predict/p99",
                                 "snapshot/ack/max",
                                 "snapshot/bits",
                                 "snapshot/size",
                                 "snapshot/learn",
                                 "snapshot/pause",
                                 "snapshot/write",
                                 "snapshot/load",
                                 "replay",
                                 "replay/server_cpu",
                                 "growth/models/3/memory_per_model",
                                 "growth/models/3/threads",
                                 "growth/models/3/idle_cpu",
                                 "growth/models/3/busy/server_cpu",
                                 "growth/streams/3/memory",
                                 "growth/streams/3/busy",
                                 "scrape/learn",
                                 "scrape/learn/server_cpu",
                                 "memory/peak",
                                 "memory/peak_with_snapshot",
                                 "memory/last_quarter"}) {
    EXPECT_EQ(names.count(name), 1U) << name;
  }
}

// Writes a file of results for reports.
std::string WriteResults(const TemporaryFolder& folder, const std::string& name,
                         const std::string& commit, const std::string& result) {
  std::string path = folder.path() + "/" + name;
  std::ofstream(path) << R"({"machine":{"processor":"a processor","commit":")" << commit
                      << R"("},"results":[)" << result << "]}";
  return path;
}

TEST(FreshetBenchTest, ResultsBecomeAPage) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "under ThreadSanitizer Protobuf's headers and its library disagree on the layout "
                  "of maps";
#endif
  const TemporaryFolder folder;
  const std::string first = WriteResults(folder, "first", "c1", R"(
      {"name":"core/sgd/24","value":5e6,"unit":"examples/s","floor":1e7,"ratio":0.5,
       "min":4e6,"max":6e6,"ratio_min":0.45,"ratio_max":0.55},
      {"name":"predict/alone/1/1/p99","value":0.3,"unit":"ms","floor":0.25,"ratio":1.2},
      {"name":"replay","value":1e6,"unit":"examples/s","floor":null,"ratio":null})");
  const std::string second =
      WriteResults(folder, "second", "c2", R"({"name":"replay","value":4e6,"unit":"examples/s"})");
  const CommandResult page = RunCommand({Bench(), "--report", first, second});
  ASSERT_EQ(page.code, 0) << page.err;
  EXPECT_THAT(page.out, HasSubstr("| processor | a processor |\n"));
  EXPECT_THAT(page.out, HasSubstr("| commit | c1; c2 |\n"));
  EXPECT_THAT(page.out,
              HasSubstr("| `core/sgd/24` | 5,000,000 (4,000,000 – 6,000,000) | examples/s "
                        "| 10,000,000 | 0.50 (0.45 – 0.55) |\n"));
  EXPECT_THAT(page.out, HasSubstr("| `predict/alone/1/1` | 0.300, × 1.20 |\n"));
  EXPECT_THAT(page.out, HasSubstr("| at least 0.80 | 0.50 (0.45 – 0.55), missed |"));
  EXPECT_THAT(page.out, HasSubstr("4,000,000"));
  EXPECT_THAT(page.out, Not(HasSubstr("| 1,000,000")));
}

TEST(FreshetBenchTest, AFileWithoutResultsIsNamed) {
  const TemporaryFolder folder;
  const CommandResult run = RunCommand({Bench(), "--report", folder.path() + "/none"});
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("/none holds no results"));
}

TEST(FreshetBenchTest, OneResultCanBeMeasuredAlone) {
  if (!kReleaseBuild) GTEST_SKIP() << "freshet_bench only measures in a release build";
  const CommandResult run = RunCommand({Bench(), "--form=smoke", "core/adagrad/18/30_numbers"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("core/adagrad/18/30_numbers "));
  EXPECT_THAT(run.out, Not(HasSubstr("core/sgd")));
  EXPECT_THAT(run.out, Not(HasSubstr("predict")));
}

TEST(FreshetBenchTest, OnlyAReleaseBuildIsMeasured) {
  if (kReleaseBuild) GTEST_SKIP() << "this is a release build";
  const CommandResult run = RunCommand({Bench(), "--form=smoke"});
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("not a release build"));
}

TEST(FreshetBenchTest, AnUnknownBenchmarkIsNamed) {
  if (!kReleaseBuild) GTEST_SKIP() << "freshet_bench only measures in a release build";
  const CommandResult run = RunCommand({Bench(), "--form=smoke", "speed"});
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("'speed'"));
}

}  // namespace
}  // namespace freshet
