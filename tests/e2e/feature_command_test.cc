// Generated features, from the command line on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "tests/e2e/transfer_site.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class FeatureCommandTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(site_.Start()); }

  CommandResult Freshet(const std::string& arguments) {
    return site_.Freshet(folder_.path(), arguments);
  }

  // Writes a stream whose label says whether two categories agree, with a large number that is no
  // use.
  void WriteStream(const std::string& name) const {
    std::ofstream file(folder_.path() + "/" + name);
    std::mt19937 random(1);
    for (int i = 0; i < 4000; ++i) {
      const uint32_t user = random() % 4;
      const uint32_t ad = random() % 4;
      file << (user == ad ? "1" : "-1") << " |user u" << user << " |ad a" << ad
           << " |n x:" << 5000 + random() % 1000 << "\n";
    }
  }

  // The average progressive loss of a model.
  double LossOf(const std::string& model) {
    return site_.client().GetModel(model)->variants(0).metrics().loss();
  }

  TemporaryFolder folder_;
  Site site_;
};

TEST_F(FeatureCommandTest, InteractionsLearnWhatSingleFeaturesCannot) {
  WriteStream("stream.vw");
  ASSERT_EQ(Freshet("models create plain --bits 12 --numeric-transform n=standardize").code, 0);
  const CommandResult created = Freshet(
      "models create pairs --bits 12 --interact user*ad --numeric-transform '*=standardize'");
  ASSERT_EQ(created.code, 0) << created.err;
  for (const char* model : {"plain", "pairs"}) {
    const CommandResult pushed = Freshet(std::string("push ") + model + " stream.vw");
    ASSERT_EQ(pushed.code, 0) << pushed.err;
  }
  EXPECT_GT(LossOf("plain"), 0.5);
  EXPECT_LT(LossOf("pairs"), 0.2);
  const std::string described = Freshet("models describe pairs").out;
  EXPECT_THAT(described, ContainsRegex("interactions +user\\*ad\n"));
  EXPECT_THAT(described, ContainsRegex("numbers +\\*=standardize\n"));
}

TEST_F(FeatureCommandTest, AllOfItSurvivesACrash) {
  WriteStream("stream.vw");
  ASSERT_EQ(Freshet("models create all --bits 12 --interact ':*:' --interact user*ad*n --ngram "
                    "user:2:1 --numeric-transform n=quantile-bins:8")
                .code,
            0);
  ASSERT_EQ(Freshet("push all stream.vw").code, 0);
  const CommandResult predicted = Freshet("predict all stream.vw");
  const std::string digest = site_.client().ComputeDigest("all")->digest;
  ASSERT_NO_FATAL_FAILURE(site_.KillAndStart());
  EXPECT_EQ(site_.client().ComputeDigest("all")->digest, digest);
  EXPECT_EQ(Freshet("predict all stream.vw").out, predicted.out);
}

TEST_F(FeatureCommandTest, MistakesAreUsageErrors) {
  const CommandResult flag = Freshet("models create m --interact user");
  EXPECT_EQ(flag.code, 64);
  EXPECT_THAT(flag.err, HasSubstr("user*ad"));
  const CommandResult range = Freshet("models create m --ngram title:9");
  EXPECT_EQ(range.code, 64);
  EXPECT_THAT(range.err, HasSubstr("features.ngrams[0].length is 9; it must be 2 to 8"));
}

TEST_F(FeatureCommandTest, AnExampleOfWhichTooMuchIsMadeIsABadLine) {
  ASSERT_EQ(Freshet("models create wide --bits 12 --interact 't*t*t'").code, 0);
  std::ofstream file(folder_.path() + "/wide.vw");
  file << "1 |t a b\n1 |t";
  for (int i = 0; i < 100; ++i) file << " w" << i;
  file << "\n";
  file.close();
  const CommandResult pushed = Freshet("push wide wide.vw");
  EXPECT_EQ(pushed.code, 65);
  EXPECT_THAT(pushed.err, HasSubstr("wide.vw:2"));
  EXPECT_THAT(pushed.err, HasSubstr("interactions"));
}

}  // namespace
}  // namespace freshet
