#include "core/format/time_features.h"

#include <algorithm>
#include <string>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"

namespace freshet {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"mon", "tue", "wed", "thu",
                                                       "fri", "sat", "sun"};
constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kMaxUnixSeconds = 253402300799;  // The end of the year 9999.

std::string TwoDigits(size_t number) { return StrCat(number < 10 ? "0" : "", number); }

// Takes `count` digits off the front of `text`.
bool TakeDigits(std::string_view& text, size_t count, int& number) {
  if (text.size() < count) return false;
  number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeFraction(std::string_view& text) {
  const size_t stop = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(stop);
  return stop > 0;
}

bool IsLeapYear(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int DaysInMonth(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[static_cast<size_t>(month - 1)];
}

// Of a day counted from 1970-01-01, a Thursday.
int Weekday(int64_t day) { return static_cast<int>(((day + 3) % 7 + 7) % 7); }

// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that
// the leap day is a year's last; 400 years have 146097 days.
int64_t DayNumber(int year, int month, int day) {
  const int64_t y = month > 2 ? year : year - 1;
  const int64_t days_before_month = (153 * ((month + 9) % 12) + 2) / 5;
  return y * 365 + y / 4 - y / 100 + y / 400 + days_before_month + day - 1 - 719468;
}

// The inverse of DayNumber(), for the month and the day.
void SetMonthAndDay(int64_t day_number, CivilTime& time) {
  int64_t rest = (day_number + 719468) % 146097;
  const int64_t year = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
  rest -= 365 * year + year / 4 - year / 100;
  const int64_t month = (5 * rest + 2) / 153;  // From March.
  time.day = static_cast<int>(rest - (153 * month + 2) / 5 + 1);
  time.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
}

bool ParseUnixSeconds(std::string_view text, CivilTime& time) {
  int64_t seconds = 0;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    seconds = seconds * 10 + (text[digits] - '0');
    if (seconds > kMaxUnixSeconds) return false;
  }
  if (digits == 0) return false;
  text.remove_prefix(digits);
  if (Take(text, '.') && !TakeFraction(text)) return false;
  if (!text.empty()) return false;
  SetMonthAndDay(seconds / kSecondsPerDay, time);
  time.weekday = Weekday(seconds / kSecondsPerDay);
  time.hour = static_cast<int>(seconds % kSecondsPerDay / 3600);
  return true;
}

}  // namespace

bool ParseCivilTime(std::string_view text, CivilTime& time) {
  if (text.size() < 5 || text[4] != '-') return ParseUnixSeconds(text, time);
  int year = 0;
  if (!TakeDigits(text, 4, year) || !Take(text, '-') || !TakeDigits(text, 2, time.month) ||
      !Take(text, '-') || !TakeDigits(text, 2, time.day)) {
    return false;
  }
  if (year < 1 || time.month < 1 || time.month > 12 || time.day < 1 ||
      time.day > DaysInMonth(year, time.month)) {
    return false;
  }
  time.weekday = Weekday(DayNumber(year, time.month, time.day));
  time.hour = -1;
  if (text.empty()) return true;
  int minute = 0;
  int second = 0;
  if (!(Take(text, ' ') || Take(text, 'T')) || !TakeDigits(text, 2, time.hour) ||
      !Take(text, ':') || !TakeDigits(text, 2, minute)) {
    return false;
  }
  if (Take(text, ':')) {
    if (!TakeDigits(text, 2, second)) return false;
    if (Take(text, '.') && !TakeFraction(text)) return false;
  }
  Take(text, 'Z');
  // A minute may have a leap second.
  return text.empty() && time.hour < 24 && minute < 60 && second <= 60;
}

TimeFeatures::TimeFeatures(uint32_t namespace_hash) {
  const auto feature = [namespace_hash](const std::string& name) {
    return Feature{name, HashFeature(name, namespace_hash)};
  };
  for (size_t hour = 0; hour < hours_.size(); ++hour) {
    hours_[hour] = feature("hour=" + TwoDigits(hour));
  }
  for (size_t day = 0; day < weekdays_.size(); ++day) {
    weekdays_[day] = feature(StrCat("weekday=", kWeekdays[day]));
    for (size_t hour = 0; hour < hours_.size(); ++hour) {
      weekday_hours_[day][hour] =
          feature(StrCat("weekday_hour=", kWeekdays[day], "_", TwoDigits(hour)));
    }
  }
  for (size_t month = 0; month < month_days_.size(); ++month) {
    for (size_t day = 0; day < month_days_[month].size(); ++day) {
      month_days_[month][day] =
          feature(StrCat("month_day=", TwoDigits(month), "-", TwoDigits(day)));
    }
  }
}

void TimeFeatures::Add(const CivilTime& time, size_t namespace_index,
                       ExampleBatchBuilder& builder) const {
  const auto add = [&](const Feature& feature) {
    builder.AddFeature(namespace_index, feature.name, feature.id, 1);
  };
  const auto weekday = static_cast<size_t>(time.weekday);
  if (time.hour >= 0) {
    const auto hour = static_cast<size_t>(time.hour);
    add(hours_[hour]);
    add(weekday_hours_[weekday][hour]);
  }
  add(weekdays_[weekday]);
  add(month_days_[static_cast<size_t>(time.month)][static_cast<size_t>(time.day)]);
}

}  // namespace freshet
