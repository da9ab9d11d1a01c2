#include "server/http/request_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::string PathOf(const std::string& text) {
  const auto target = ParseTarget(text);
  return target ? target->path : "malformed";
}

TEST(RequestTargetTest, ThePathIsDecodedOnceAndItsSlashesAndPercentSignsStay) {
  EXPECT_EQ(PathOf("/"), "/");
  EXPECT_EQ(PathOf("/v1/models/a%62%2e%25"), "/v1/models/ab.%25");
  EXPECT_EQ(PathOf("/%2525"), "/%2525");
  EXPECT_EQ(PathOf("/a+b"), "/a+b");
  EXPECT_EQ(PathOf("/v1/models/a%2Fsnapshots%2fb"), "/v1/models/a%2Fsnapshots%2Fb");
  EXPECT_EQ(PathOf("/../a//b"), "/../a//b");
  EXPECT_EQ(PathOf("/a#b?c"), "/a");
  EXPECT_EQ(PathOf("*"), "*");
}

// The id of an event may be any text.
TEST(RequestTargetTest, APartIsWhatWasEncoded) {
  EXPECT_EQ(DecodePart(PathOf("/")), "/");
  EXPECT_EQ(DecodePart(PathOf("a%2Fb%252Fc%25%20%C3%A4")), "malformed");
  EXPECT_EQ(DecodePart(PathOf("/a%2Fb%252Fc%25%20%C3%A4")), "/a/b%2Fc% \xc3\xa4");
}

TEST(RequestTargetTest, TheQueryIsDecodedAfterItIsTakenApart) {
  const auto target = ParseTarget("/p?a=1&b=x%26y%3Dz&c&&d=e=f&a=2&+=%2B#x");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/p");
  EXPECT_THAT(target->query, ElementsAre(Pair(" ", "+"), Pair("a", "1"), Pair("a", "2"),
                                         Pair("b", "x&y=z"), Pair("c", ""), Pair("d", "e=f")));
}

TEST(RequestTargetTest, AnAbsoluteTargetNamesTheHost) {
  const auto target = ParseTarget("HTTP://Host:80/p?q=1");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->authority, "Host:80");
  EXPECT_EQ(target->path, "/p");
  EXPECT_EQ(ParseTarget("https://host")->path, "/");
  EXPECT_EQ(ParseTarget("http://host?q=1")->query.size(), 1U);
}

TEST(RequestTargetTest, WhatIsMalformedIsNoTarget) {
  for (const char* text : {"", "page", "http://", "http:///p", "ftp://h/p", "host:80", "/%", "/%4",
                           "/%zz", "/a%00b", "/%0d%0a", "/p?%", "/p?a=%4", "/p?a=%0A"}) {
    EXPECT_FALSE(ParseTarget(text)) << text;
  }
}

}  // namespace
}  // namespace freshet
