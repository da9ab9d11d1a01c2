#include "core/format/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>

namespace freshet {
namespace {

TEST(NumberTest, ReadsWhatTheLibraryReads) {
  for (const std::string text : {"0",
                                 "-0",
                                 "1",
                                 "+1",
                                 "-1.5",
                                 "1.",
                                 ".5",
                                 "+.5e1",
                                 "1e5",
                                 "1E+5",
                                 "1e-5",
                                 "123456789012345",
                                 "12345678901234567890",
                                 "0.1",
                                 "0.30000000000000004",
                                 "9007199254740993",
                                 "1e22",
                                 "1e23",
                                 "1.7976931348623157e308",
                                 "1e309",
                                 "-1e309",
                                 "4.9e-324",
                                 "1e-400",
                                 "0e999999999999",
                                 "1e999999999999",
                                 "1e-999999999999",
                                 "0.000000000000000000000000000000000000001",
                                 "100000000000000000000000000000000000000e-38",
                                 "00000000000000000000000001.5",
                                 "0000.00000000000000000000015",
                                 "0.00000000000000000000000000",
                                 "-00000000000000000000000000e400",
                                 "inf",
                                 "-inf",
                                 "infinity"}) {
    double value = 0;
    const char* const end = text.data() + text.size();
    EXPECT_EQ(ScanNumber(text.data(), end, value), end) << text;
    const double expected = std::strtod(text.c_str(), nullptr);
    EXPECT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(expected))
        << text << " " << value << " " << expected;
  }
}

TEST(NumberTest, CountsNoLeadingZeroOfHugeAndTinyNumbers) {
  const auto scanned = [](const std::string& text) {
    double value = -1;
    ScanNumber(text.data(), text.data() + text.size(), value);
    return value;
  };
  const std::string zeros(400, '0');
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(scanned("0." + zeros + "1"), 0);
  EXPECT_EQ(scanned(zeros + "." + zeros + "1"), 0);
  EXPECT_EQ(scanned(zeros + "1"), 1);
  EXPECT_EQ(scanned("1" + zeros), infinite);
  EXPECT_EQ(scanned("-" + zeros + "1" + zeros + ".5"), -infinite);
  EXPECT_EQ(scanned("0." + zeros + "1e401"), 1);
  EXPECT_EQ(scanned("1" + zeros + "e-400"), 1);
}

TEST(NumberTest, StopsAfterTheNumber) {
  const auto scanned = [](std::string_view text) {
    double value = 0;
    return ScanNumber(text.data(), text.data() + text.size(), value) - text.data();
  };
  EXPECT_EQ(scanned("1 2"), 1);
  EXPECT_EQ(scanned("1.5|"), 3);
  EXPECT_EQ(scanned("1e"), 1);
  EXPECT_EQ(scanned("1e+"), 1);
  EXPECT_EQ(scanned("1e5e"), 3);
  EXPECT_EQ(scanned("1.2.3"), 3);
  EXPECT_EQ(scanned("0x10"), 1);
}

TEST(NumberTest, FindsNoNumberWhereThereIsNone) {
  for (const std::string_view text :
       {"", " 1", "-", "+", ".", "-.", "e5", "+-1", "--1", "x", ".e1"}) {
    double value = 0;
    EXPECT_EQ(ScanNumber(text.data(), text.data() + text.size(), value), text.data()) << text;
  }
}

TEST(NumberTest, RefusesWhatIsNotFiniteAsAFloat) {
  float value = 0;
  EXPECT_TRUE(ParseFiniteFloat("3.4e38", value));
  EXPECT_FALSE(ParseFiniteFloat("3.5e38", value));
  EXPECT_FALSE(ParseFiniteFloat("nan", value));
  EXPECT_FALSE(ParseFiniteFloat("-inf", value));
  EXPECT_FALSE(ParseFiniteFloat("", value));
  EXPECT_FALSE(ParseFiniteFloat("1 ", value));
}

TEST(NumberTest, AgreesWithTheLibraryOnRandomNumbers) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    char text[64];
    const auto mantissa = static_cast<double>(random() >> (random() % 64));
    const int digits = static_cast<int>(random() % 20);
    const int exponent = static_cast<int>(random() % 60) - 30;
    std::snprintf(text, sizeof text, i % 2 == 0 ? "%.*e" : "%.*g", digits,
                  mantissa * std::pow(10.0, exponent));
    double value = 0;
    const char* const end = text + std::strlen(text);
    ASSERT_EQ(ScanNumber(text, end, value), end) << text;
    ASSERT_EQ(value, std::strtod(text, nullptr)) << text;
  }
}

}  // namespace
}  // namespace freshet
