#include "server/http/body_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/support/gzip.h"

namespace freshet {
namespace {

using Encoding = BodyReader::Encoding;
using State = BodyReader::State;

struct Result {
  State state = State::kGood;
  bool is_whole = false;
  std::string body = {};
};

Result Read(Encoding encoding, std::string_view text, size_t max_bytes, size_t step = 1000) {
  BodyReader reader(encoding, max_bytes, 0);
  while (!text.empty() || reader.has_pending()) {
    std::string_view piece = text.substr(0, step);
    text.remove_prefix(piece.size());
    do {
      reader.Take(piece);
      if (reader.state() != State::kGood) return {.state = reader.state()};
    } while (!piece.empty() || reader.has_pending());
  }
  return {reader.state(), reader.IsWhole(), reader.TakeBody()};
}

TEST(BodyReaderTest, NamesOfEncodingsAreTakenWithoutRegardToCase) {
  for (const char* name : {"", "identity", "Identity"}) {
    EXPECT_EQ(BodyReader::EncodingOf(name), Encoding::kNone) << name;
  }
  for (const char* name : {"gzip", "GZIP", "x-gzip", "Deflate"}) {
    EXPECT_EQ(BodyReader::EncodingOf(name), Encoding::kZlib) << name;
  }
  for (const char* name : {"br", "gzip, gzip", "zstd", "chunked"}) {
    EXPECT_FALSE(BodyReader::EncodingOf(name)) << name;
  }
}

TEST(BodyReaderTest, ReadsABodyHoweverItComes) {
  const std::string text(100'000, 'x');
  for (const size_t step : {size_t{1}, size_t{999}, text.size()}) {
    const Result plain = Read(Encoding::kNone, text, text.size(), step);
    EXPECT_TRUE(plain.is_whole);
    EXPECT_EQ(plain.body, text);
    const Result inflated = Read(Encoding::kZlib, Gzip(text), text.size(), step);
    EXPECT_TRUE(inflated.is_whole);
    EXPECT_EQ(inflated.body, text);
  }
  const Result two = Read(Encoding::kZlib, Gzip("one ") + Gzip("two"), 100);
  EXPECT_TRUE(two.is_whole);
  EXPECT_EQ(two.body, "one two");
}

TEST(BodyReaderTest, StopsAtTheLimitBeforeMoreIsInflated) {
  EXPECT_EQ(Read(Encoding::kNone, std::string(101, 'x'), 100).state, State::kTooLong);
  const std::string bomb = Gzip(std::string(8'000'000, 'x'));
  BodyReader reader(Encoding::kZlib, 1'000'000, bomb.size());
  std::string_view rest = bomb;
  while (reader.state() == State::kGood && !rest.empty()) reader.Take(rest);
  EXPECT_EQ(reader.state(), State::kTooLong);
  EXPECT_LT(reader.cost_bytes(), 5'000'000U);
}

TEST(BodyReaderTest, WhatIsNotCompressedAsItSaysIsMalformed) {
  EXPECT_EQ(Read(Encoding::kZlib, "not compressed", 100).state, State::kMalformed);
  const std::string text = Gzip("whole");
  EXPECT_EQ(Read(Encoding::kZlib, text + "rest", 100).state, State::kMalformed);
  EXPECT_FALSE(Read(Encoding::kZlib, text.substr(0, text.size() - 1), 100).is_whole);
}

}  // namespace
}  // namespace freshet
