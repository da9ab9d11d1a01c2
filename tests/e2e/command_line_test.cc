// The command lines of freshet and freshetd: help, other names of commands, questions before
// something is destroyed, and messages about mistakes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/server_fixture.h"
#include "tests/support/terminal.h"

namespace freshet {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

CommandResult RunProgram(const std::string& program, std::vector<std::string> words) {
  words.insert(words.begin(), BinaryDir() + "/" + program);
  return RunCommand(words);
}

class CommandLineTest : public ServerFixture {
 protected:
  std::vector<std::string> WithServer(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--server", server_->address()});
    return words;
  }
  CommandResult Freshet(std::vector<std::string> words) const {
    return RunProgram("freshet", WithServer(std::move(words)));
  }
  // Answers the question that the command asks on a terminal.
  CommandResult FreshetOnTerminal(std::vector<std::string> words, const std::string& answer) const {
    words = WithServer(std::move(words));
    words.insert(words.begin(), BinaryDir() + "/freshet");
    return RunOnTerminal(std::move(words), "go on? [y/N] ", answer);
  }
};

TEST_F(CommandLineTest, HelpPrintsWhatTheFlagPrints) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> commands = {
      {"freshet", {}},
      {"freshet", {"push"}},
      {"freshet", {"models", "create"}},
      {"freshet", {"models", "ls"}},
      {"freshet", {"help"}},
      {"freshetd", {}},
      {"freshetd", {"repair"}}};
  for (const auto& [program, words] : commands) {
    std::vector<std::string> by_command = words;
    by_command.insert(by_command.begin(), "help");
    std::vector<std::string> by_flag = words;
    by_flag.emplace_back("--help");
    const CommandResult help = RunProgram(program, by_command);
    EXPECT_EQ(help.code, 0) << help.err;
    EXPECT_NE(help.out, "");
    EXPECT_EQ(help.out, RunProgram(program, by_flag).out);
  }
}

TEST_F(CommandLineTest, HelpOfAnUnknownCommandNamesTheNearestOne) {
  const CommandResult result = RunProgram("freshet", {"help", "models", "creat"});
  EXPECT_EQ(result.code, 64);
  EXPECT_THAT(result.err, HasSubstr("there is no command 'creat' (did you mean 'create'?)\n"));
  EXPECT_EQ(result.out, "");
}

TEST_F(CommandLineTest, MisspeltOptionsAndCommandsAreNamedWithTheNearestOne) {
  CommandResult result = RunProgram("freshet", {"push", "--frmat", "csv"});
  EXPECT_EQ(result.code, 64);
  EXPECT_EQ(result.err,
            "freshet: there is no option '--frmat' (did you mean '--format'?)\n"
            "freshet: run 'freshet push --help' for help\n");
  result = RunProgram("freshet", {"models", "lsit"});
  EXPECT_EQ(result.code, 64);
  EXPECT_THAT(result.err, HasSubstr("there is no command 'lsit' (did you mean 'list'?)"));
  result = RunProgram("freshet", {"models", "describe", "a", "b"});
  EXPECT_EQ(result.code, 64);
  EXPECT_THAT(result.err, HasSubstr("'b' is one argument too many"));
  result = RunProgram("freshetd", {"--listne=x"});
  EXPECT_EQ(result.code, 64);
  EXPECT_EQ(result.err,
            "freshetd: there is no option '--listne' (did you mean '--listen'?)\n"
            "freshetd: run 'freshetd --help' for help\n");
  result = RunProgram("freshetd", {"chek"});
  EXPECT_EQ(result.code, 64);
  EXPECT_THAT(result.err, HasSubstr("there is no command 'chek' (did you mean 'check'?)"));
}

TEST_F(CommandLineTest, CommandsHaveTheUsualShortNames) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "s").ok());
  EXPECT_EQ(Freshet({"models", "ls"}).out, Freshet({"models", "list"}).out);
  EXPECT_THAT(Freshet({"models", "get", "ctr"}).out, HasSubstr("durability"));
  EXPECT_EQ(Freshet({"snapshots", "ls", "ctr"}).out, Freshet({"snapshots", "list", "ctr"}).out);
  EXPECT_EQ(Freshet({"snapshots", "rm", "ctr", "s"}).out, "deleted snapshot s of ctr\n");
  EXPECT_EQ(Freshet({"models", "rm", "ctr"}).out, "deleted ctr\n");
  EXPECT_TRUE(client_->ListModels()->empty());
  const std::string help = Freshet({"models", "--help"}).out;
  EXPECT_THAT(help, HasSubstr("list, ls "));
  EXPECT_THAT(help, HasSubstr("describe, get "));
  EXPECT_THAT(help, HasSubstr("delete, rm "));
}

TEST_F(CommandLineTest, OnATerminalOnlyYesDestroys) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "empty").ok());
  ASSERT_NO_FATAL_FAILURE(ExpectHealthy());
  const uint64_t learned = client_->GetModel("ctr")->example_count();
  for (const std::string answer : {"n\n", "\n", "yes please\n", "\x04"}) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"models", "delete", "ctr"},
          {"snapshots", "restore", "ctr", "empty"},
          {"snapshots", "delete", "ctr", "empty"}}) {
      const CommandResult refused = FreshetOnTerminal(command, answer);
      EXPECT_EQ(refused.code, 69) << refused.out;
      EXPECT_THAT(refused.out, HasSubstr("freshet: nothing was changed"));
    }
  }
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), learned);
  EXPECT_EQ(client_->ListSnapshots("ctr")->size(), 1U);
  EXPECT_THAT(FreshetOnTerminal({"models", "delete", "ctr"}, "n\n").out,
              HasSubstr("this deletes ctr, which has learned 10 examples"));
  EXPECT_THAT(FreshetOnTerminal({"models", "delete", "none"}, "n\n").out, Not(HasSubstr("go on")));

  ASSERT_TRUE(client_->CreateSnapshot("ctr", "other").ok());
  EXPECT_EQ(FreshetOnTerminal({"snapshots", "delete", "ctr", "other"}, "yes\n").code, 0);
  EXPECT_EQ(client_->ListSnapshots("ctr")->size(), 1U);
  EXPECT_EQ(FreshetOnTerminal({"snapshots", "restore", "ctr", "empty"}, "y\n").code, 0);
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), 0U);
  const CommandResult deleted = FreshetOnTerminal({"models", "delete", "ctr", "--yes"}, "n\n");
  EXPECT_EQ(deleted.code, 0) << deleted.out;
  EXPECT_THAT(deleted.out, Not(HasSubstr("go on")));
  EXPECT_TRUE(client_->ListModels()->empty());
}

TEST_F(CommandLineTest, WithoutATerminalNothingIsAsked) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  const CommandResult deleted = Freshet({"models", "delete", "ctr"});
  EXPECT_EQ(deleted.code, 0);
  EXPECT_EQ(deleted.err, "");
  EXPECT_EQ(deleted.out, "deleted ctr\n");
}

TEST_F(CommandLineTest, WithJsonAnErrorIsJson) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const CommandResult missing = Freshet({"--json", "models", "describe", "ctr"});
  EXPECT_EQ(missing.code, 66);
  EXPECT_EQ(missing.out, "");
  EXPECT_THAT(missing.err, StartsWith(R"({"error":{"code":5,"status":"NOT_FOUND","message":")"));
  EXPECT_THAT(missing.err, EndsWith("\"}}\n"));
  const CommandResult wrong =
      RunProgram("freshet", {"models", "describe", "--json", "--frobnicate"});
  EXPECT_EQ(wrong.code, 64);
  EXPECT_EQ(wrong.err, R"({"error":{"code":3,"status":"INVALID_ARGUMENT",)"
                       R"("message":"there is no option '--frobnicate'"}})"
                       "\n");
  EXPECT_EQ(RunProgram("freshet", {"--json", "--deadline", "0", "models", "list"}).err,
            R"({"error":{"code":3,"status":"INVALID_ARGUMENT",)"
            R"("message":"--deadline must be at least 0.001 seconds"}})"
            "\n");
}

}  // namespace
}  // namespace freshet
