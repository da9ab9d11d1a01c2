// What the shells offer when Tab is pressed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CompletionTest : public ServerFixture {
 protected:
  static std::string Complete(std::vector<std::string> words) {
    words.insert(words.begin(), {BinaryDir() + "/freshet", "complete", "--"});
    const CommandResult result = RunCommand(words);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return result.out;
  }
};

TEST_F(CompletionTest, CommandsAndTheirOtherNamesAreOffered) {
  EXPECT_THAT(Complete({"mod"}), StartsWith("models\t"));
  const std::string models = Complete({"models", ""});
  for (const std::string name : {"create", "list", "ls", "describe", "get", "delete", "rm"}) {
    EXPECT_THAT("\n" + models, HasSubstr("\n" + name + "\t"));
  }
  EXPECT_THAT(Complete({"help", "models", "cr"}), StartsWith("create\t"));
  EXPECT_EQ(Complete({"comple"}), "completion\tPrint a shell completion script\n")
      << "the command behind the scripts is not offered";
}

TEST_F(CompletionTest, OptionsAndTheirValuesAreOffered) {
  EXPECT_THAT(Complete({"models", "delete", "--"}), HasSubstr("--yes\t"));
  EXPECT_THAT(Complete({"models", "delete", "--ser"}), StartsWith("--server\t"));
  EXPECT_EQ(Complete({"models", "create", "--loss", "log"}), "logistic\n");
  EXPECT_EQ(Complete({"push", "ctr", "--format", "c"}), "csv\n");
  EXPECT_EQ(Complete({"push", "ctr", "--batch-size", ""}), "");
  EXPECT_EQ(Complete({"predict", "ctr", "--output", ""}), "csv\njsonl\n");
}

TEST_F(CompletionTest, ModelsAndSnapshotsOfTheServerAreOffered) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_NO_FATAL_FAILURE(CreateModel("clicks"));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "before").ok());
  const std::string& server = server_->address();
  EXPECT_EQ(Complete({"--server", server, "push", ""}), "clicks\nctr\n");
  EXPECT_EQ(Complete({"push", "--format", "vw", "--server=" + server, "ct"}), "ctr\n");
  EXPECT_EQ(Complete({"--server", server, "snapshots", "rm", "ctr", ""}), "before\n");
  EXPECT_EQ(Complete({"--server", server, "push", "ctr", ""}), "") << "files come next";
}

TEST_F(CompletionTest, WithoutAServerNothingIsOfferedAndNothingIsSaid) {
  EXPECT_EQ(Complete({"--server", "127.0.0.1:1", "push", ""}), "");
  EXPECT_EQ(Complete({"--server", "no address", "push", ""}), "");
  EXPECT_EQ(Complete({"--deadline", "soon", "--version", "--tls-ca", "/none", "push", ""}), "");
}

TEST_F(CompletionTest, BashTakesTheWordsFromTheLine) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  const auto complete = [&](const std::string& line) {
    return RunCommand({"/bin/bash", "-c",
                       "PATH=" + BinaryDir() +
                           ":$PATH; source <(freshet completion bash)\n"
                           "COMP_LINE='" +
                           line +
                           "'; COMP_POINT=${#COMP_LINE}\n"
                           "_freshet; echo \"${COMPREPLY[@]}\""})
        .out;
  };
  EXPECT_EQ(complete("freshet mod"), "models\n");
  EXPECT_EQ(complete("freshet --server " + server_->address() + " push "), "ctr\n");
  EXPECT_EQ(complete("freshet models de"), "describe delete\n");
}

TEST_F(CompletionTest, ThereIsAScriptForEachShell) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const CommandResult script = RunCommand({BinaryDir() + "/freshet", "completion", shell});
    EXPECT_EQ(script.code, 0) << script.err;
    EXPECT_THAT(script.out, HasSubstr(" complete -- "));
    EXPECT_THAT(script.out, Not(HasSubstr("models"))) << "freshet itself knows its commands";
  }
}

}  // namespace
}  // namespace freshet
