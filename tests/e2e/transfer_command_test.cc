// Snapshots as files with the freshet command: its messages and exit codes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/e2e/transfer_site.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class TransferCommandTest : public TransferTest {};

TEST_F(TransferCommandTest, TheCommandExportsAndImports) {
  const TemporaryFolder folder;
  const auto freshet = [&](const std::string& arguments) {
    return here_.Freshet(folder.path(), arguments);
  };
  const CommandResult exported = freshet("snapshots export ctr kept");
  EXPECT_EQ(exported.code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("exported snapshot kept of ctr to ctr-kept.snapshot: "));
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/ctr-kept.snapshot"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/ctr-kept.snapshot.tmp"));
  const CommandResult again = freshet("snapshots export ctr kept");
  EXPECT_EQ(again.code, 73);
  EXPECT_THAT(again.err, HasSubstr("ctr-kept.snapshot exists; --force overwrites it"));
  EXPECT_EQ(freshet("snapshots export ctr kept --force").code, 0);
  EXPECT_EQ(freshet("snapshots export ctr kept --output - > piped").code, 0);
  EXPECT_EQ(freshet("snapshots export ctr kept --output - > /dev/full").code, 74);
  EXPECT_EQ(freshet("snapshots export ctr none --output none").code, 66);
  EXPECT_EQ(freshet("snapshots export ctr kept --output missing/file").code, 66);
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/none"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/none.tmp"));
  EXPECT_THAT(freshet("--json snapshots export ctr kept --output third").out,
              HasSubstr(R"({"snapshot":"models/ctr/snapshots/kept","file":"third","bytes":)"));
  EXPECT_EQ(
      RunCommand({"/usr/bin/cmp", folder.path() + "/piped", folder.path() + "/ctr-kept.snapshot"})
          .code,
      0);

  const CommandResult imported = freshet("snapshots import ctr ctr-kept.snapshot --id back");
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("imported snapshot back of ctr: 500 examples"));
  EXPECT_EQ(freshet("snapshots import ctr - --id piped < piped").code, 0);
  EXPECT_THAT(freshet("snapshots list ctr").out, HasSubstr("  import  "));
  EXPECT_EQ(freshet("snapshots import ctr piped").code, 73) << "it has the id of the first";
  EXPECT_EQ(freshet("snapshots import ctr missing").code, 66);
  EXPECT_EQ(freshet("snapshots import ctr .").code, 64);
  EXPECT_EQ(freshet("snapshots import nothing piped").code, 66);
  std::filesystem::copy(folder.path() + "/piped", folder.path() + "/cut");
  std::filesystem::resize_file(folder.path() + "/cut", 100);
  const CommandResult damaged = freshet("snapshots import ctr cut --id cut");
  EXPECT_EQ(damaged.code, 65);
  EXPECT_THAT(damaged.err,
              HasSubstr("freshet: cut: the file that was sent: the snapshot is damaged"));
  EXPECT_EQ(freshet("models create narrow --bits 11").code, 0);
  const CommandResult foreign = freshet("snapshots import narrow piped");
  EXPECT_EQ(foreign.code, 78);
  EXPECT_THAT(foreign.err, HasSubstr("create a model from it instead"));
}

TEST_F(TransferCommandTest, TheCommandCreatesModelsFromSnapshots) {
  const TemporaryFolder folder;
  const auto freshet = [&](const std::string& arguments) {
    return here_.Freshet(folder.path(), arguments);
  };
  ASSERT_EQ(freshet("snapshots export ctr kept --output file").code, 0);
  const CommandResult of_server =
      freshet("models create one --from-snapshot ctr/kept --retain-bytes 10G --retain-age 7d");
  EXPECT_EQ(of_server.code, 0) << of_server.err;
  EXPECT_THAT(of_server.out, HasSubstr("created one: logistic loss, auto, 2^12 slots"));
  EXPECT_THAT(of_server.out, HasSubstr("500 examples learned before"));
  EXPECT_EQ(freshet("models create two --from-snapshot models/ctr/snapshots/kept").code, 0);
  const CommandResult of_file =
      freshet("models create three --from-snapshot file --durability none");
  EXPECT_EQ(of_file.code, 0) << of_file.err;
  for (const char* model : {"one", "two", "three"}) {
    EXPECT_EQ(here_.DigestOf(model), kept_digest_) << model;
  }
  const std::string described = freshet("models describe one").out;
  EXPECT_THAT(described, HasSubstr("from offset 0, logged up to 1\n"));
  EXPECT_THAT(described, HasSubstr("10.0 GB, 7d\n"));
  EXPECT_THAT(described, testing::ContainsRegex("snapshots +1, "));
  EXPECT_THAT(freshet("models describe ctr").out, HasSubstr("the newest at offset 10\n"));

  for (const char* flag : {"--loss squared", "--learner sgd", "--bits 12", "--set l2=0"}) {
    const CommandResult refused =
        freshet(std::string("models create no --from-snapshot ctr/kept ") + flag);
    EXPECT_EQ(refused.code, 64) << flag;
    EXPECT_THAT(refused.err, HasSubstr("the learner comes with the snapshot; leave out --"));
  }
  const CommandResult neither = freshet("models create no --from-snapshot nothing");
  EXPECT_EQ(neither.code, 66);
  EXPECT_THAT(neither.err, HasSubstr("neither a file nor a snapshot"));
  EXPECT_EQ(freshet("models create no --from-snapshot ctr/none").code, 66);
  EXPECT_EQ(freshet("models create one --from-snapshot ctr/kept").code, 73);
  EXPECT_EQ(freshet("models create no --retain-bytes 10X").code, 64);
  EXPECT_EQ(freshet("models create no --retain-age 3w").code, 64);
  EXPECT_THAT(here_.ModelFolders(), testing::ElementsAre("ctr", "one", "three", "two"));
}

}  // namespace
}  // namespace freshet
