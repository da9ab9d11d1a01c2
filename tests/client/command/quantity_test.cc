#include "client/command/quantity.h"

#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

TEST(QuantityTest, ReadsBytes) {
  EXPECT_EQ(ParseBytes("0").value(), 0U);
  EXPECT_EQ(ParseBytes("1500").value(), 1500U);
  EXPECT_EQ(ParseBytes("1500B").value(), 1500U);
  EXPECT_EQ(ParseBytes("2k").value(), 2000U);
  EXPECT_EQ(ParseBytes("500M").value(), 500'000'000U);
  EXPECT_EQ(ParseBytes("10G").value(), 10'000'000'000U);
  EXPECT_EQ(ParseBytes("10GB").value(), 10'000'000'000U);
  EXPECT_EQ(ParseBytes("1GiB").value(), 1'073'741'824U);
  EXPECT_EQ(ParseBytes("18446744073709551615").value(), UINT64_MAX);
}

TEST(QuantityTest, ReadsSpansOfTime) {
  EXPECT_EQ(ParseSeconds("90").value(), 90U);
  EXPECT_EQ(ParseSeconds("90s").value(), 90U);
  EXPECT_EQ(ParseSeconds("30m").value(), 1800U);
  EXPECT_EQ(ParseSeconds("12h").value(), 43'200U);
  EXPECT_EQ(ParseSeconds("7d").value(), 604'800U);
}

TEST(QuantityTest, RefusesWhatItDoesNotKnowAndWhatDoesNotFit) {
  for (const char* bad : {"", "G", "-1", "1.5G", "1 G", "10X", "10GG", "18446744073709551616",
                          "18446744073709552k"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseBytes(bad).status())) << bad;
  }
  for (const char* bad : {"", "d", "-1", "1w", "7 d", "213503982334602d"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseSeconds(bad).status())) << bad;
  }
  EXPECT_NE(ParseBytes("10X").status().message().find("'10X'"), absl::string_view::npos);
}

TEST(QuantityTest, WritesSpansOfTimeAsTheyAreRead) {
  for (const char* text : {"0s", "59s", "90s", "2m", "36h", "7d"}) {
    EXPECT_EQ(SecondsText(ParseSeconds(text).value()), text);
  }
  EXPECT_EQ(SecondsText(60), "1m");
}

}  // namespace
}  // namespace freshet
