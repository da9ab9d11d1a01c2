// Tokens as users meet them: freshetd token, the options of freshet, exit codes and the log.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "tests/support/server_fixture.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TokenTest : public ServerFixture {
 protected:
  void SetUp() override {
    for (const char* role : {"read", "predict", "learn", "admin"}) {
      const CommandResult made =
          RunCommand({BinaryDir() + "/freshetd", "token", role, "--role", role, "--models",
                      "clicks*", "--file", folder_.path() + "/tokens"});
      ASSERT_EQ(made.code, 0) << made.err;
      secrets_[role] = made.out.substr(0, made.out.size() - 1);
      std::ofstream(folder_.path() + "/" + role + ".secret") << made.out;
    }
    StartWithConfig("auth { token_file: '" + folder_.path() + "/tokens' }");
  }

  // Runs a shell line in which $freshet is the command with the token of `role`.
  CommandResult As(const std::string& role, const std::string& line) const {
    return RunCommand({"/bin/sh", "-c",
                       "cd " + folder_.path() + "; freshet='" + BinaryDir() + "/freshet --server=" +
                           server_->address() + " --token-file=" + role + ".secret'; " + line});
  }

  std::map<std::string, std::string> secrets_;
};

TEST_F(TokenTest, EachRoleDoesItsPartWithTheCommand) {
  EXPECT_EQ(As("admin", "$freshet models create clicks").code, 0);
  const CommandResult pushed =
      As("learn", "printf '1 |a b\\n0 |a c\\n' | $freshet push clicks - --format vw");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_EQ(As("predict", "echo '|a b' | $freshet predict clicks - --format vw").code, 0);
  EXPECT_THAT(As("read", "$freshet models describe clicks").out, HasSubstr("clicks"));

  const CommandResult refused = As("predict", "echo '1 |a b' | $freshet push clicks - --format vw");
  EXPECT_EQ(refused.code, 77) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("it requires the role learn, and the token has predict"));
  const CommandResult foreign = As("admin", "$freshet models create views");
  EXPECT_EQ(foreign.code, 77);
  EXPECT_THAT(foreign.err, HasSubstr("is not for model \"views\"; its models are clicks*"));
}

TEST_F(TokenTest, ATokenCanBeGivenInThreeWays) {
  const std::string freshet = BinaryDir() + "/freshet --server=" + server_->address();
  const auto run = [&](const std::string& line) {
    return RunCommand({"/bin/sh", "-c", "cd " + folder_.path() + "; " + line});
  };
  EXPECT_EQ(run("FRESHET_TOKEN=" + secrets_["read"] + " " + freshet + " models list").code, 0);
  EXPECT_EQ(run("FRESHET_TOKEN_FILE=read.secret " + freshet + " models list").code, 0);
  EXPECT_EQ(run(freshet + " models list --token " + secrets_["read"]).code, 0);
  const CommandResult without = run(freshet + " models list");
  EXPECT_EQ(without.code, 77);
  EXPECT_THAT(without.err, HasSubstr("set FRESHET_TOKEN or --token-file"));
  EXPECT_EQ(run(freshet + " models list --token wrong").code, 77);
  EXPECT_EQ(run(freshet + " models list --token 'two words'").code, 64);
  EXPECT_EQ(run(freshet + " models list --token-file missing").code, 66);
}

TEST_F(TokenTest, TheLogHasNoSecretsAndTellsOfABadFile) {
  EXPECT_EQ(As("admin", "$freshet models create clicks").code, 0);
  std::ofstream(folder_.path() + "/tokens", std::ios::app) << "nonsense";
  while (server_->Log().find("event=tokens_not_reloaded") == std::string::npos) {
    EXPECT_EQ(As("admin", "$freshet models list").code, 0);
  }
  EXPECT_EQ(As("admin", "$freshet models list").code, 0);
  const ExitState state = server_->Stop();
  EXPECT_EQ(state.code, 0);
  for (const auto& [role, secret] : secrets_) EXPECT_THAT(state.log, Not(HasSubstr(secret)));
}

TEST(TokenCommandTest, AServerWithoutItsTokensDoesNotStart) {
  const TemporaryFolder folder;
  const std::string config = folder.path() + "/config";
  std::ofstream(config) << "auth { token_file: '" << folder.path() << "/tokens' }";
  const CommandResult missing = RunCommand({BinaryDir() + "/freshetd", "--config=" + config});
  EXPECT_EQ(missing.code, 78);
  EXPECT_THAT(missing.err, HasSubstr(folder.path() + "/tokens"));
  std::ofstream(folder.path() + "/tokens") << "tokens { name: 'a' }";
  const CommandResult bad = RunCommand({BinaryDir() + "/freshetd", "--config=" + config});
  EXPECT_EQ(bad.code, 78);
  EXPECT_THAT(bad.err, HasSubstr("token 1: its sha256"));
}

}  // namespace
}  // namespace freshet
