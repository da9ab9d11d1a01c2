// The settings file of freshet: which value wins, and messages about mistakes in it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

// Nothing listens on port 1.
constexpr char kNowhere[] = "127.0.0.1:1";

class SettingsFileTest : public ServerFixture {
 protected:
  void Write(const std::string& text) const {
    std::filesystem::create_directories(folder_.path() + "/config/freshet");
    std::ofstream(Path()) << text;
  }
  std::string Path() const { return folder_.path() + "/config/freshet/config"; }

  // Runs freshet with the settings file and with more variables of the environment.
  CommandResult Freshet(const std::vector<std::string>& variables,
                        const std::vector<std::string>& words) const {
    std::vector<std::string> command = {"/usr/bin/env", "-u", "FRESHET_SERVER",
                                        "XDG_CONFIG_HOME=" + folder_.path() + "/config"};
    command.insert(command.end(), variables.begin(), variables.end());
    command.push_back(BinaryDir() + "/freshet");
    command.insert(command.end(), words.begin(), words.end());
    return RunCommand(command);
  }
};

TEST_F(SettingsFileTest, FlagsWinOverTheEnvironmentWhichWinsOverTheFile) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string& server = server_->address();
  Write("# Our server.\n\n  server = \"" + server + "\"\njson = true\n");
  const CommandResult listed = Freshet({}, {"models", "list"});
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("\"models\": []"));
  EXPECT_EQ(Freshet({"FRESHET_SERVER=" + std::string(kNowhere)}, {"models", "list"}).code, 69);
  EXPECT_EQ(Freshet({}, {"models", "list", "--server", kNowhere}).code, 69);
  Write("server = " + std::string(kNowhere) + "\n");
  EXPECT_EQ(Freshet({}, {"models", "list"}).code, 69);
  EXPECT_EQ(Freshet({"FRESHET_SERVER=" + server}, {"models", "list"}).code, 0);
  EXPECT_EQ(Freshet({}, {"models", "list", "--server", server}).code, 0);
  EXPECT_EQ(
      Freshet({"FRESHET_SERVER=" + std::string(kNowhere)}, {"models", "list", "--server", server})
          .code,
      0);
}

TEST_F(SettingsFileTest, TheFolderIsThatOfTheSpecification) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto code = [&](const std::string& variable) {
    return RunCommand({"/usr/bin/env", "-u", "FRESHET_SERVER", "-u", "XDG_CONFIG_HOME", variable,
                       BinaryDir() + "/freshet", "models", "list"})
        .code;
  };
  std::filesystem::create_directories(folder_.path() + "/.config/freshet");
  std::ofstream(folder_.path() + "/.config/freshet/config") << "server=" << server_->address();
  EXPECT_EQ(code("HOME=" + folder_.path()), 0);
}

TEST_F(SettingsFileTest, AMistakeIsNamedWithFileAndLine) {
  struct Case {
    const char* line;
    const char* message;
  };
  for (const Case& bad :
       {Case{"sever = a", "there is no setting 'sever' (did you mean 'server'?); settings are "},
        Case{"server", "'server' has no '='"}, Case{"[server]", "has no '='"},
        Case{"server =", "server has no value"}, Case{"deadline = soon", "deadline"},
        Case{"tls = perhaps", "tls"}, Case{"token = secret", "there is no setting 'token'"},
        Case{"server = a\nserver = b", "an earlier line sets server too"}}) {
    Write("# Settings\n" + std::string(bad.line) + "\n");
    const CommandResult result = Freshet({}, {"models", "list"});
    EXPECT_EQ(result.code, 64) << bad.line;
    const int line = std::string(bad.line).find('\n') == std::string::npos ? 2 : 3;
    EXPECT_THAT(result.err,
                HasSubstr("freshet: " + Path() + ", line " + std::to_string(line) + ": "));
    EXPECT_THAT(result.err, HasSubstr(bad.message));
  }
}

TEST_F(SettingsFileTest, HelpNeedsNoGoodFile) {
  Write("nonsense\n");
  EXPECT_EQ(Freshet({}, {"--help"}).code, 0);
  EXPECT_EQ(Freshet({}, {"help", "push"}).code, 0);
}

TEST_F(SettingsFileTest, ATokenFileGivenAsAFlagWinsOverTheEnvironment) {
  const std::string tokens = folder_.path() + "/tokens";
  const CommandResult made =
      RunCommand({BinaryDir() + "/freshetd", "token", "ann", "--role", "admin", "--file", tokens});
  ASSERT_EQ(made.code, 0) << made.err;
  std::ofstream(folder_.path() + "/secret") << made.out;
  Start({"--token-file=" + tokens});
  Write("server = " + server_->address() + "\n");
  EXPECT_EQ(Freshet({"FRESHET_TOKEN=wrong"}, {"models", "list"}).code, 77);
  EXPECT_EQ(Freshet({"FRESHET_TOKEN=wrong"},
                    {"models", "list", "--token-file", folder_.path() + "/secret"})
                .code,
            0);
}

}  // namespace
}  // namespace freshet
