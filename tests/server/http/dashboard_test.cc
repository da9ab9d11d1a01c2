#include "server/http/dashboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <string>

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::map<std::string, HttpAnswer> AllFiles() {
  std::map<std::string, HttpAnswer> files;
  for (const HttpRoute& route : DashboardRoutes()) files[route.path] = route.respond({});
  return files;
}

TEST(DashboardTest, EveryFileThatAnotherNamesIsServed) {
  const std::map<std::string, HttpAnswer> files = AllFiles();
  std::set<std::string> named = {"/"};
  const std::regex references(R"re((?:src|href)="(/assets/[^"]+)"|from '\.(/[a-z_]+\.js)')re");
  for (const auto& [path, answer] : files) {
    if (path == "/assets/chart.min.js") continue;
    for (std::sregex_iterator it(answer.body.begin(), answer.body.end(), references), end;
         it != end; ++it) {
      named.insert((*it)[1].matched ? (*it)[1].str() : "/assets" + (*it)[2].str());
    }
  }
  std::set<std::string> served;
  for (const auto& [path, answer] : files) served.insert(path);
  EXPECT_EQ(named, served);
}

TEST(DashboardTest, ThePageKeepsToItsPolicy) {
  const HttpAnswer page = AllFiles().at("/");
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  const std::string policy = page.headers.find("Content-Security-Policy")->second;
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  // The page must not contain anything that the policy blocks.
  EXPECT_FALSE(
      std::regex_search(page.body, std::regex("<script(?! src)|<style| style=| on[a-z]+=")));
}

TEST(DashboardTest, ABrowserThatHasAFileIsNotSentItAgain) {
  for (const HttpRoute& route : DashboardRoutes()) {
    const HttpAnswer first = route.respond({});
    EXPECT_EQ(first.status, 200);
    HttpRequest again;
    again.headers["if-none-match"] = first.headers.find("ETag")->second;
    const HttpAnswer answer = route.respond(again);
    EXPECT_EQ(answer.status, 304) << route.path;
    EXPECT_THAT(answer.body, IsEmpty());
    again.headers["if-none-match"] = "W/\"other\"";
    EXPECT_EQ(route.respond(again).status, 200);
  }
}

}  // namespace
}  // namespace freshet
