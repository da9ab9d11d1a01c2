// A model's settings can be changed while it learns, by client and command, and survive restarts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/e2e/transfer_site.h"
#include "tests/support/file_text.h"
#include "tests/support/model_dir.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class UpdateTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(site_.Start());
    ASSERT_TRUE(site_.client().CreateModel("ctr", Site::Learner()).ok());
  }

  CommandResult Update(const std::string& flags) {
    return site_.Freshet(site_.path(), "models update ctr " + flags);
  }

  Site site_;
};

TEST_F(UpdateTest, SettingsChangeBetweenTwoBatchesAndSurviveACrash) {
  ASSERT_NO_FATAL_FAILURE(site_.Push("ctr", 0, 100));
  v1::Model values;
  values.set_durability(v1::DURABILITY_OS);
  values.mutable_log_retention()->set_max_age_s(3600);
  const auto updated = site_.client().UpdateModel("ctr", values, {"durability", "log_retention"});
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->durability(), v1::DURABILITY_OS);
  EXPECT_EQ(updated->offset(), 3U) << "two batches and the change";
  ASSERT_NO_FATAL_FAILURE(site_.Push("ctr", 100, 100));
  const std::string digest = site_.DigestOf("ctr");

  ASSERT_NO_FATAL_FAILURE(site_.KillAndStart());
  const auto recovered = site_.client().GetModel("ctr");
  EXPECT_EQ(recovered->durability(), v1::DURABILITY_OS);
  EXPECT_EQ(recovered->log_retention().max_age_s(), 3600U);
  EXPECT_EQ(site_.DigestOf("ctr"), digest);
}

// The crash came after the record was logged and before the manifest was written.
TEST_F(UpdateTest, AManifestThatDidNotFollowIsMended) {
  const std::string path = ModelDirOf(site_.path(), "ctr") + "/MODEL";
  const std::string before = FileText(path);
  ASSERT_EQ(Update("--durability os").code, 0);
  const std::string after = FileText(path);
  ASSERT_NE(after, before);
  site_.server().Kill();
  std::ofstream(path, std::ios::binary) << before;
  ASSERT_NO_FATAL_FAILURE(site_.Start());
  EXPECT_EQ(site_.client().GetModel("ctr")->durability(), v1::DURABILITY_OS);
  EXPECT_EQ(FileText(path), after);
}

TEST_F(UpdateTest, TheCommandSaysWhatTheModelIsNowOrWhyNot) {
  const CommandResult changed = Update("--retain-bytes 10M --retain-age 2d");
  EXPECT_EQ(changed.code, 0) << changed.err;
  EXPECT_EQ(site_.client().GetModel("ctr")->log_retention().max_bytes(), 10'000'000U);
  EXPECT_EQ(Update("--retain-bytes default").code, 0);
  const auto model = site_.client().GetModel("ctr");
  EXPECT_FALSE(model->log_retention().has_max_bytes());
  EXPECT_EQ(model->log_retention().max_age_s(), 172'800U);

  EXPECT_THAT(Update("").err, HasSubstr("nothing to change"));
  const CommandResult without_log = Update("--durability none");
  EXPECT_NE(without_log.code, 0);
  EXPECT_THAT(without_log.err, HasSubstr("cannot give it up"));
}

}  // namespace
}  // namespace freshet
