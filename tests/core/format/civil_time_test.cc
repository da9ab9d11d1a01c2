#include "core/format/civil_time.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace freshet {
namespace {

// The time as "month/day weekday hour", or "no" if it is rejected.
std::string Read(std::string_view text, std::string_view format = "") {
  const auto reader = TimeReader::Make(format);
  EXPECT_TRUE(reader.ok()) << reader.status();
  CivilTime time{};
  if (!reader->Read(text, time)) return "no";
  return std::to_string(time.month) + "/" + std::to_string(time.day) + " " +
         std::to_string(time.weekday) + " " + std::to_string(time.hour);
}

TEST(CivilTimeTest, ReadsDatesAndTimesOfIso8601) {
  EXPECT_EQ(Read("2001-09-11"), "9/11 1 -1");
  EXPECT_EQ(Read("2001/09/11"), "9/11 1 -1");
  EXPECT_EQ(Read("1600-02-29 23:59"), "2/29 1 23");
  EXPECT_EQ(Read("9999-12-31"), "12/31 4 -1");
  for (const std::string_view text :
       {"2001-09-11 08", "2001-09-11 08:46", "2001-09-11T08:46:00", "2001/09/11 08:46",
        "2001-09-11T08:46:59.123456Z", "2001-09-11 08:46:59,123", "2001-09-11t08:46z",
        "20010911T08", "20010911T0846", "20010911T084659Z", "20010911 08:46",
        "20010911 084659.5"}) {
    EXPECT_EQ(Read(text), "9/11 1 8") << text;
  }
}

TEST(CivilTimeTest, TurnsOtherZonesIntoUtc) {
  for (const std::string_view zone :
       {"Z", "+00:00", "-00:00", "+0000", "+00", " UTC", "GMT", " +0000"}) {
    EXPECT_EQ(Read("2001-09-11T08:46:00" + std::string(zone)), "9/11 1 8") << zone;
  }
  EXPECT_EQ(Read("2001-09-11 08:46+02:00"), "9/11 1 6");
  EXPECT_EQ(Read("2001-09-11 00:30+01"), "9/10 0 23");
  EXPECT_EQ(Read("2001-12-31 18:45-05:30"), "1/1 1 0");
  EXPECT_EQ(Read("2001-09-11 08:15+0530"), "9/11 1 2");
  EXPECT_EQ(Read("1969-12-31T23:59:59-01:00"), "1/1 3 0");
  EXPECT_EQ(Read("1900-01-01T00:00+00:01"), "12/31 6 23");
}

TEST(CivilTimeTest, ReadsCompactNumbers) {
  EXPECT_EQ(Read("20141021"), "10/21 1 -1");
  EXPECT_EQ(Read("19000101"), "1/1 0 -1");
  EXPECT_EQ(Read("14102100"), "10/21 1 0");
  EXPECT_EQ(Read("14102123"), "10/21 1 23");
  EXPECT_EQ(Read("14103014"), "10/30 3 14");
  EXPECT_EQ(Read("00022923"), "2/29 1 23");
  EXPECT_EQ(Read("2014102109"), "10/21 1 9");
  EXPECT_EQ(Read("201410210930"), "10/21 1 9");
  EXPECT_EQ(Read("20141021093059"), "10/21 1 9");
  // A day of the years 1900 to 2099 counts as one, though it could be YYMMDDHH in 2019 or 2020.
  EXPECT_EQ(Read("20101112"), "11/12 4 -1");
  EXPECT_EQ(Read("20101112", "%y%m%d%H"), "10/11 6 12");
}

// Data frames turn whole numbers into such numbers if the column has a missing value.
TEST(CivilTimeTest, ReadsNumbersWithAZeroFraction) {
  EXPECT_EQ(Read("14102123.0"), "10/21 1 23");
  EXPECT_EQ(Read("20141021.00"), "10/21 1 -1");
  EXPECT_EQ(Read("2014102109.0"), "10/21 1 9");
  EXPECT_EQ(Read("1000197960.0"), "9/11 1 8");
  EXPECT_EQ(Read("1000197960000.0"), "9/11 1 8");
  for (const std::string_view text :
       {"14102124.0", "2014134109.0", "17.0", "14102123.", "14102123.5", "14102123.0x"}) {
    EXPECT_EQ(Read(text), "no") << text;
  }
}

TEST(CivilTimeTest, ReadsSecondsAndFinerUnits) {
  EXPECT_EQ(Read("1000197960"), "9/11 1 8");
  EXPECT_EQ(Read("951782400.5"), "2/29 1 0");
  EXPECT_EQ(Read("1709164800"), "2/29 3 0");
  EXPECT_EQ(Read("4102444799"), "12/31 3 23");
  EXPECT_EQ(Read("1000197960000"), "9/11 1 8");
  EXPECT_EQ(Read("946684800000"), "1/1 5 0");
  EXPECT_EQ(Read("1000197960000.25"), "9/11 1 8");
  EXPECT_EQ(Read("1000197960000000"), "9/11 1 8");
  EXPECT_EQ(Read("1000197960000000000"), "9/11 1 8");
}

// Once, every number was read as a time soon after the start of 1970.
TEST(CivilTimeTest, RefusesNumbersThatAreNoPlausibleTime) {
  for (const std::string_view text :
       {"0", "1", "17", "2014", "201410", "1410210", "12345678", "14132100", "14103124", "20141301",
        "99999999", "12345678901", "4102444800", "2014134109", "2014102124", "201410212460",
        "20141021246000", "99999999999999999999999999", "123456789012345678901"}) {
    EXPECT_EQ(Read(text), "no") << text;
  }
}

TEST(CivilTimeTest, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "x",
                                      "2001-13-01x",
                                      "2001-00-01",
                                      "2001-13-01",
                                      "2001-01-00",
                                      "2001-01-32",
                                      "2001-02-29",
                                      "1900-02-29",
                                      "0000-01-01",
                                      "2001-1-1",
                                      "2001-01/01",
                                      "2001-01-01 ",
                                      "2001-01-01 8:00",
                                      "2001-01-01 24:00",
                                      "2001-01-01 08:60",
                                      "2001-01-01 08:00:61",
                                      "2001-01-01 08:00:0",
                                      "2001-01-01 08:00:00.",
                                      "2001-01-01 08:00+2",
                                      "2001-01-01 08:00+02:0",
                                      "2001-01-01 08:00+15:00",
                                      "2001-01-01 08:00ZZ",
                                      "2001-01-01 08:00 CET",
                                      "2001-01-01x08:00",
                                      "31.12.2001",
                                      "12/31/2001",
                                      "-1",
                                      "-1000197960",
                                      "1000197960.",
                                      "1000197960.5x",
                                      "12x",
                                      "1e9"}) {
    EXPECT_EQ(Read(text), "no") << text;
  }
}

TEST(CivilTimeTest, ReadsAFormat) {
  EXPECT_EQ(Read("11.09.2001 08:46", "%d.%m.%Y %H:%M"), "9/11 1 8");
  EXPECT_EQ(Read("11.9.2001  8:46", "%d.%m.%Y %H:%M"), "9/11 1 8");
  EXPECT_EQ(Read("09/11/01", "%m/%d/%y"), "9/11 1 -1");
  EXPECT_EQ(Read("20010911084600", "%Y%m%d%H%M%S"), "9/11 1 8");
  EXPECT_EQ(Read("100% 2001-9-1", "100%% %Y-%m-%d"), "9/1 5 -1");
  EXPECT_EQ(Read("0", "s"), "1/1 3 0");
  EXPECT_EQ(Read("86400.5", "s"), "1/2 4 0");
  EXPECT_EQ(Read("86400000", "ms"), "1/2 4 0");
  EXPECT_EQ(Read("2014102100", "s"), "10/28 4 8");
  for (const std::string_view text : {"", "11.09.2001", "11.09.2001 08:46:00", "31.02.2001 08:46",
                                      "1.1.1 08:46", "2001-09-11 08:46", "11.09.2001 24:00"}) {
    EXPECT_EQ(Read(text, "%d.%m.%Y %H:%M"), "no") << text;
  }
  EXPECT_EQ(Read("2001911", "%Y%m%d"), "no");
  EXPECT_EQ(Read("-1", "s"), "no");
  EXPECT_EQ(Read("99999999999999", "s"), "no");
  for (const std::string_view format : {"%", "%d.%m", "%H:%M", "%Y-%m-%q", "dd.mm.yyyy", "sec"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(TimeReader::Make(format).status())) << format;
  }
}

TEST(CivilTimeTest, KnowsThePointInTime) {
  const auto ms = [](std::string_view text, std::string_view format = "") {
    CivilTime time{};
    return TimeReader::Make(format)->Read(text, time) ? time.unix_ms : -1;
  };
  EXPECT_EQ(ms("2001-09-11T08:46:00Z"), 1'000'197'960'000);
  EXPECT_EQ(ms("2001-09-11 10:46:00.25+02:00"), 1'000'197'960'250);
  EXPECT_EQ(ms("2001-09-11"), 1'000'166'400'000);
  EXPECT_EQ(ms("1000197960"), 1'000'197'960'000);
  EXPECT_EQ(ms("1000197960.5"), 1'000'197'960'500);
  EXPECT_EQ(ms("1000197960123"), 1'000'197'960'123);
  EXPECT_EQ(ms("1000197960123456789"), 1'000'197'960'123);
  EXPECT_EQ(ms("1500", "ms"), 1'500);
  EXPECT_EQ(ms("1.75", "s"), 1'750);
  EXPECT_EQ(ms("11.9.2001 8:46", "%d.%m.%Y %H:%M"), 1'000'197'960'000);
}

}  // namespace
}  // namespace freshet
