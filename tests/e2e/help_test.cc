// What the help of freshet and freshetd says about each flag.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string HelpOf(std::vector<std::string> command) {
  command.emplace_back("--help");
  const CommandResult result = RunCommand(command);
  EXPECT_EQ(result.code, 0) << result.err;
  return result.out;
}

// The names listed in a help below "Subcommands:".
std::vector<std::string> CommandsIn(const std::string& help) {
  std::vector<std::string> names;
  const size_t begin = help.find("Subcommands:\n");
  if (begin == std::string::npos) return names;
  std::istringstream lines(help.substr(begin));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.starts_with("  ")) {
    std::istringstream words(line);
    if (line.starts_with("   ")) continue;
    words >> names.emplace_back();
    // An alias may follow: "list, ls".
    if (names.back().ends_with(',')) names.back().pop_back();
  }
  return names;
}

// The flags and arguments for which a help has only the parser's word for a type. The delimiter is
// a text.
std::vector<std::string> WithoutMeaning(const std::string& help) {
  std::vector<std::string> found;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string flag;
    std::string type;
    words >> flag >> type;
    type.resize(std::min(type.find_first_of("=:"), type.size()));
    const bool is_type = type == "TEXT" || type == "UINT" || type == "INT" || type == "FLOAT";
    if (is_type && flag != "--delimiter") found.push_back(flag);
  }
  return found;
}

// Checks the help of a command and of all below it; returns how many these are.
int CheckHelp(const std::vector<std::string>& command) {
  const std::string help = HelpOf(command);
  EXPECT_THAT(WithoutMeaning(help), IsEmpty()) << command.back();
  int count = 1;
  for (const std::string& name : CommandsIn(help)) {
    std::vector<std::string> below = command;
    below.push_back(name);
    count += CheckHelp(below);
  }
  return count;
}

TEST(HelpTest, EveryFlagSaysWhatItTakes) {
  EXPECT_GE(CheckHelp({BinaryDir() + "/freshet"}), 20);
  EXPECT_EQ(CheckHelp({BinaryDir() + "/freshetd"}), 6);
}

// It showed SECONDS and took 7d.
TEST(HelpTest, SizesAndTimesWithUnitsAreNotShownAsNumbers) {
  for (const char* command : {"create", "update"}) {
    const std::string help = HelpOf({BinaryDir() + "/freshet", "models", command});
    EXPECT_THAT(help, HasSubstr("--retain-age DURATION"));
    EXPECT_THAT(help, HasSubstr("--retain-bytes SIZE"));
  }
}

}  // namespace
}  // namespace freshet
