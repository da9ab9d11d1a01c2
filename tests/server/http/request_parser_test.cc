#include "server/http/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  int status = 0;  // Of the fault; 0 if there is none.
  std::string reason;
  bool has_head = false;
  bool is_done = false;
  RequestHead head;
  std::string body;
  std::string rest;  // Input that was not consumed.
};

// Parses the text, handing it over in steps of `step` bytes.
Parsed Parse(std::string_view text, size_t step, size_t max_head_bytes = 4096) {
  RequestParser parser(max_head_bytes);
  std::string input;
  Parsed parsed;
  size_t given = 0;
  while (!parser.fault() && !(parser.head() != nullptr && parser.is_done())) {
    size_t taken = 0;
    std::string_view piece;
    if (!input.empty()) {
      taken = parser.head() == nullptr ? parser.ReadHead(input) : parser.ReadBody(input, piece);
    }
    parsed.body += piece;
    input.erase(0, taken);
    if (taken > 0) continue;
    if (given == text.size()) break;
    input += text.substr(given, step);
    given = std::min(given + step, text.size());
  }
  if (parser.fault()) {
    parsed.status = parser.fault()->status;
    parsed.reason = parser.fault()->reason;
  } else if (parser.head() != nullptr) {
    parsed.has_head = true;
    parsed.is_done = parser.is_done();
    parsed.head = *parser.head();
  }
  parsed.rest = StrCat(input, text.substr(given));
  return parsed;
}

// Parses the text at once and in small steps, and expects the same result each time.
Parsed Parse(std::string_view text) {
  Parsed whole = Parse(text, text.size());
  for (const size_t step : {1, 2, 3, 7}) {
    const Parsed parts = Parse(text, step);
    EXPECT_EQ(parts.status, whole.status) << text << " in steps of " << step << parts.reason;
    EXPECT_EQ(parts.is_done, whole.is_done) << text << " in steps of " << step;
    if (whole.status != 0) continue;
    EXPECT_EQ(parts.body, whole.body) << text << " in steps of " << step;
    EXPECT_EQ(parts.head.request.headers, whole.head.request.headers) << text;
    EXPECT_EQ(parts.rest, whole.rest) << text << " in steps of " << step;
  }
  return whole;
}

std::string Get(std::string_view fields) {
  return StrCat("GET /page HTTP/1.1\r\nHost: a\r\n", fields, "\r\n");
}

std::string Post(std::string_view fields, std::string_view body) {
  return StrCat("POST /page HTTP/1.1\r\nHost: a\r\n", fields, "\r\n", body);
}

TEST(RequestParserTest, ReadsTheHead) {
  const Parsed parsed = Parse(
      "GET /a%20b?x=1&y=+%26 HTTP/1.1\r\nHOST: h:1\r\nX-Test:  value \t\r\nAccept: a\r\n"
      "accept: b\r\n\r\nGET");
  ASSERT_TRUE(parsed.is_done) << parsed.reason;
  const RequestHead& head = parsed.head;
  EXPECT_EQ(head.request.method, "GET");
  EXPECT_EQ(head.request.path, "/a b");
  EXPECT_EQ(head.request.query.find("y")->second, " &");
  EXPECT_EQ(head.request.Header("host"), "h:1");
  EXPECT_EQ(head.request.Header("x-test"), "value");
  EXPECT_EQ(head.request.Header("accept"), "a, b");
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.has_body);
  EXPECT_FALSE(head.is_head);
  EXPECT_EQ(parsed.rest, "GET");
}

TEST(RequestParserTest, HeadIsAGetThatIsAnsweredWithoutABody) {
  const Parsed parsed = Parse("HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(parsed.head.is_head);
  EXPECT_EQ(parsed.head.request.method, "GET");
}

TEST(RequestParserTest, TheConnectionStaysOrNotAsTheClientSays) {
  EXPECT_TRUE(Parse(Get("")).head.keep_alive);
  EXPECT_FALSE(Parse(Get("Connection: CLOSE\r\n")).head.keep_alive);
  EXPECT_FALSE(Parse(Get("Connection: x, Close\r\n")).head.keep_alive);
  const Parsed old = Parse("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.is_done);
  EXPECT_TRUE(old.head.is_version_1_0);
  EXPECT_FALSE(old.head.keep_alive);
  EXPECT_TRUE(Parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").head.keep_alive);
}

TEST(RequestParserTest, TheHostOfAnAbsoluteTargetCounts) {
  const Parsed parsed =
      Parse("GET http://evil.example:1/p?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(parsed.is_done) << parsed.reason;
  EXPECT_EQ(parsed.head.request.path, "/p");
  EXPECT_EQ(parsed.head.request.Header("host"), "evil.example:1");
}

TEST(RequestParserTest, ReadsABodyOfALengthOrInChunks) {
  Parsed parsed = Parse(Post("Content-Length: 5\r\n", "01234GET"));
  ASSERT_TRUE(parsed.is_done) << parsed.reason;
  EXPECT_EQ(parsed.body, "01234");
  EXPECT_EQ(parsed.rest, "GET");
  EXPECT_EQ(parsed.head.content_length, 5U);
  parsed = Parse(Post("Transfer-Encoding: Chunked\r\n",
                      "3\r\n012\r\nA;name=\"value\"\r\n3456789abc\r\n0\r\n\r\nGET"));
  ASSERT_TRUE(parsed.is_done) << parsed.reason;
  EXPECT_EQ(parsed.body, "0123456789abc");
  EXPECT_EQ(parsed.rest, "GET");
  EXPECT_FALSE(parsed.head.content_length);
  for (const char* body : {"0\r\n\r\n", "00\r\n\r\n"}) {
    parsed = Parse(Post("Transfer-Encoding: chunked\r\n", body));
    EXPECT_TRUE(parsed.is_done) << parsed.reason;
    EXPECT_EQ(parsed.body, "");
  }
  parsed = Parse(Post("Content-Length: 0\r\n", ""));
  EXPECT_TRUE(parsed.is_done);
  EXPECT_FALSE(parsed.head.has_body);
}

TEST(RequestParserTest, WhatTrailsABodyIsNoField) {
  const Parsed parsed = Parse(
      Post("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\nAuthorization: Bearer x\r\n\r\n"));
  ASSERT_TRUE(parsed.is_done) << parsed.reason;
  EXPECT_EQ(parsed.head.request.Header("authorization"), "");
}

TEST(RequestParserTest, ExpectationsAreKnownOrRefused) {
  EXPECT_TRUE(
      Parse(Post("Expect: 100-Continue\r\nContent-Length: 1\r\n", "x")).head.expects_continue);
  EXPECT_EQ(Parse(Post("Expect: 101-dalmatians\r\nContent-Length: 1\r\n", "x")).status, 417);
}

// Two parsers could read different requests in these.
TEST(RequestParserTest, AmbiguousLengthsAreRefused) {
  for (const char* fields :
       {"Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: +1\r\n", "Content-Length: -1\r\n",
        "Content-Length: 0x1\r\n", "Content-Length:\r\n", "Content-Length: 1 1\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n", "Content-Length : 1\r\n"}) {
    EXPECT_EQ(Parse(Post(fields, "0\r\n\r\n")).status, 400) << fields;
  }
  for (const char* fields :
       {"Transfer-Encoding: gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n"}) {
    EXPECT_EQ(Parse(Post(fields, "0\r\n\r\n")).status, 501) << fields;
  }
  EXPECT_EQ(Parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").status, 501);
}

TEST(RequestParserTest, FieldsThatMayStandOnceAreRefusedTwice) {
  for (const char* name : {"Host", "Authorization", "Content-Type", "Origin"}) {
    const Parsed parsed =
        Parse(StrCat("GET / HTTP/1.1\r\n", name, ": a\r\nX: y\r\n", name, ": b\r\n\r\n"));
    EXPECT_EQ(parsed.status, 400) << name;
    EXPECT_THAT(parsed.reason, HasSubstr("twice"));
  }
}

TEST(RequestParserTest, MalformedHeadsAreRefused) {
  using std::string_literals::operator""s;
  for (const std::string& text : {"GET  / HTTP/1.1\r\n\r\n"s,
                                  "GET /\r\n\r\n"s,
                                  " GET / HTTP/1.1\r\n\r\n"s,
                                  "GET /\n HTTP/1.1\r\n\r\n"s,
                                  "GET /\0 HTTP/1.1\r\n\r\n"s,
                                  "G\0T / HTTP/1.1\r\n\r\n"s,
                                  "GET page HTTP/1.1\r\n\r\n"s,
                                  "CONNECT a:1 HTTP/1.1\r\n\r\n"s,
                                  "GET http:///p HTTP/1.1\r\n\r\n"s,
                                  "GET ftp://a/p HTTP/1.1\r\n\r\n"s,
                                  "GET /%zz HTTP/1.1\r\n\r\n"s,
                                  "GET /%4 HTTP/1.1\r\n\r\n"s,
                                  "GET /%00 HTTP/1.1\r\n\r\n"s,
                                  "GET /?a=%0a HTTP/1.1\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nNo colon\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\n: nameless\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nA: \0\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nA: \x01\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nA: x\ry\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nA\0: x\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nA: x\n\r\n"s,
                                  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s}) {
    EXPECT_EQ(Parse(text + "\r\n\r\n").status, 400) << text;
  }
  for (const char* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "http/1.1", "HTTP/1.1x"}) {
    EXPECT_EQ(Parse(StrCat("GET / ", version, "\r\n\r\n")).status, 505) << version;
  }
}

TEST(RequestParserTest, MalformedChunksAreRefused) {
  for (const char* body :
       {"x\r\n\r\n12345", "-1\r\nx\r\n0\r\n\r\n", "1\r\nxy\r\n0\r\n\r\n", "1\nx\n0\n\n12345",
        "fffffffffffffffff\r\nx\r\n0\r\n\r\n", " 1\r\nx\r\n0\r\n\r\n", "1 2\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n"}) {
    const std::string text = Post("Transfer-Encoding: chunked\r\n", StrCat(body, "\r\n"));
    EXPECT_EQ(Parse(text).status, 400) << body;
  }
}

TEST(RequestParserTest, HeadsBeyondTheLimitAreRefusedHoweverTheyCome) {
  const std::string long_target = StrCat("GET /", std::string(5000, 'a'), " HTTP/1.1\r\n\r\n");
  const std::string long_field = Get(StrCat("A: ", std::string(5000, 'a'), "\r\n"));
  std::string fields;
  for (int i = 0; i < 90; ++i) fields += StrCat("A", i, ": ", std::string(50, 'a'), "\r\n");
  std::string many;
  for (int i = 0; i < 150; ++i) many += StrCat("A", i, ":\r\n");
  for (const size_t step : {size_t{1}, size_t{100}, size_t{100'000}}) {
    EXPECT_EQ(Parse(long_target, step, 4096).status, 414);
    EXPECT_EQ(Parse(long_field, step, 4096).status, 431);
    EXPECT_EQ(Parse(Get(fields), step, 4096).status, 431);
    EXPECT_EQ(Parse(Get(fields), step, 8192).status, 0);
    EXPECT_EQ(Parse(Get(many), step, 8192).status, 431);
  }
}

TEST(RequestParserTest, EmptyLinesBetweenRequestsMeanNothing) {
  EXPECT_TRUE(Parse("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").is_done);
}

TEST(RequestParserTest, AFoldedFieldIsOneLine) {
  const Parsed parsed = Parse(Get("A: one\r\n two\r\n"));
  ASSERT_TRUE(parsed.is_done);
  EXPECT_EQ(parsed.head.request.Header("a"), "one two");
}

}  // namespace
}  // namespace freshet
