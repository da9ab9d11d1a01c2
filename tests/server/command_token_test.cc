#include "server/command_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "server/access/access_control.h"
#include "tests/support/file_text.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

TEST(CommandTokenTest, WhatItPrintsBelongsTogether) {
  std::ostringstream out;
  ASSERT_TRUE(MakeToken({"ads", {"learn", "read"}, {"clicks*"}, ""}, out).ok());
  const std::string text = out.str();
  const std::string secret = text.substr(
      text.find("freshet_"), text.find('\n', text.find("freshet_")) - text.find("freshet_"));
  const std::string path = testing::TempDir() + "/printed-tokens";
  std::ofstream(path) << text.substr(text.find("tokens {"));
  const auto access = AccessControl::Load(path).value();
  const Caller caller = access->Identify("Bearer " + secret).value();
  EXPECT_EQ(caller.name(), "ads");
  EXPECT_TRUE(caller.CheckRole(v1::Token::ROLE_LEARN).ok());
  EXPECT_TRUE(caller.CheckRole(v1::Token::ROLE_READ).ok());
  EXPECT_FALSE(caller.CheckRole(v1::Token::ROLE_ADMIN).ok());
  EXPECT_TRUE(caller.Covers("clicks-2"));
  EXPECT_FALSE(caller.Covers("views"));
}

TEST(CommandTokenTest, AFileGetsOneTokenAfterTheOther) {
  const std::string path = testing::TempDir() + "/added-tokens";
  std::remove(path.c_str());
  std::string secrets[2];
  for (std::string& secret : secrets) {
    std::ostringstream out;
    ASSERT_TRUE(MakeToken({"ads", {"admin"}, {}, path}, out).ok());
    secret = out.str().substr(0, out.str().size() - 1);
  }
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const auto access = AccessControl::Load(path).value();
  for (const std::string& secret : secrets) {
    EXPECT_TRUE(access->Identify("Bearer " + secret).ok());
  }
}

TEST(CommandTokenTest, AFileThatIsNoneOfTokensStaysAsItIs) {
  const std::string path = testing::TempDir() + "/other-file";
  std::ofstream(path) << "something else\n";
  std::ostringstream out;
  EXPECT_TRUE(absl::IsInvalidArgument(MakeToken({"ads", {"admin"}, {}, path}, out)));
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(FileText(path), "something else\n");
}

TEST(CommandTokenTest, WrongTokensAreRefusedByName) {
  std::ostringstream out;
  const auto message = [&](const NewToken& token) {
    return std::string(MakeToken(token, out).message());
  };
  EXPECT_THAT(message({"ads", {"write"}, {}, ""}), HasSubstr("no role \"write\""));
  EXPECT_THAT(message({"ads", {"unspecified"}, {}, ""}), HasSubstr("no role"));
  EXPECT_THAT(message({"a b", {"learn"}, {}, ""}), HasSubstr("its name"));
  EXPECT_THAT(message({"ads", {"learn"}, {"Clicks"}, ""}), HasSubstr("its models"));
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace freshet
