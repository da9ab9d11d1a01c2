#include "core/format/civil_time.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr int64_t kSecondsPerDay = 86400;
// Without a format, numbers in this range count as seconds since 1970: 1973-03-03 to the end of
// 2099.
constexpr uint64_t kFirstPlausibleSecond = 100'000'000;
constexpr uint64_t kEndOfPlausibleSeconds = 4'102'444'800;
// The end of the year 9999.
constexpr uint64_t kMaxSeconds = 253'402'300'799;

// A date, with as much of the time of day as is known. An hour of -1 means that only the date is.
struct Parts {
  int year = 0;
  int month = 1;
  int day = 1;
  int hour = -1;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
  int offset_minutes = 0;  // East of UTC.
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t DigitsAt(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && IsDigit(text[digits])) ++digits;
  return digits;
}

// Takes `count` digits off the front of `text`.
bool TakeDigits(std::string_view& text, size_t count, int& number) {
  if (text.size() < count) return false;
  int taken = 0;  // A local, because `number` would be written back for each digit.
  for (size_t i = 0; i < count; ++i) {
    if (!IsDigit(text[i])) return false;
    taken = taken * 10 + (text[i] - '0');
  }
  number = taken;
  text.remove_prefix(count);
  return true;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Takes the digits after a decimal point of seconds; false if there are none.
bool TakeFraction(std::string_view& text, int& milliseconds) {
  const size_t digits = DigitsAt(text);
  milliseconds = 0;
  for (size_t i = 0; i < 3; ++i) {
    milliseconds = 10 * milliseconds + (i < digits ? text[i] - '0' : 0);
  }
  text.remove_prefix(digits);
  return digits > 0;
}

bool IsLeapYear(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int DaysInMonth(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[static_cast<size_t>(month - 1)];
}

// The weekday (0 is Monday) of a day counted from 1970-01-01, which was a Thursday.
int Weekday(int64_t day) { return static_cast<int>(((day + 3) % 7 + 7) % 7); }

// The number of days from 1970-01-01 to a date of the Gregorian calendar. Internally years begin in
// March, so that the leap day is the last day of a year; 400 years have 146097 days.
int64_t DayNumber(int year, int month, int day) {
  const int64_t y = month > 2 ? year : year - 1;
  const int64_t days_before_month = (153 * ((month + 9) % 12) + 2) / 5;
  return y * 365 + y / 4 - y / 100 + y / 400 + days_before_month + day - 1 - 719468;
}

// The inverse of DayNumber(); sets only the month and the day.
void SetMonthAndDay(int64_t day_number, CivilTime& time) {
  int64_t rest = (day_number + 719468) % 146097;
  const int64_t year = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
  rest -= 365 * year + year / 4 - year / 100;
  const int64_t month = (5 * rest + 2) / 153;  // From March.
  time.day = static_cast<int>(rest - (153 * month + 2) / 5 + 1);
  time.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
}

void SetFromDays(int64_t days, CivilTime& time) {
  SetMonthAndDay(days, time);
  time.weekday = Weekday(days);
}

// Sets `time`, converted to UTC. False if there is no such time. Accepts second 60, a leap second.
bool SetFromParts(const Parts& parts, CivilTime& time) {
  if (parts.year < 1 || parts.month < 1 || parts.month > 12 || parts.day < 1 ||
      parts.day > DaysInMonth(parts.year, parts.month) || parts.hour > 23 || parts.minute > 59 ||
      parts.second > 60) {
    return false;
  }
  const int64_t day_number = DayNumber(parts.year, parts.month, parts.day);
  const int64_t minute_of_day =
      int64_t{60} * std::max(parts.hour, 0) + parts.minute - parts.offset_minutes;
  time.unix_ms =
      (day_number * kSecondsPerDay + 60 * minute_of_day + parts.second) * 1000 + parts.millisecond;
  if (parts.hour < 0 || parts.offset_minutes == 0) {
    time.month = parts.month;
    time.day = parts.day;
    time.weekday = Weekday(day_number);
    time.hour = parts.hour;
    return true;
  }
  constexpr int64_t kMinutesPerDay = 1440;
  const int64_t minutes =
      day_number * kMinutesPerDay + int64_t{60} * parts.hour + parts.minute - parts.offset_minutes;
  const int64_t days = minutes / kMinutesPerDay - (minutes % kMinutesPerDay < 0 ? 1 : 0);
  if (days < DayNumber(1, 1, 1)) return false;
  SetFromDays(days, time);
  time.hour = static_cast<int>((minutes - days * kMinutesPerDay) / 60);
  return true;
}

// `number` counts units since 1970; `fraction_ms` is what follows seconds after a decimal point.
void SetFromNumber(uint64_t number, uint64_t units_per_second, int fraction_ms, CivilTime& time) {
  const uint64_t seconds = number / units_per_second;
  time.unix_ms = units_per_second == 1 ? static_cast<int64_t>(seconds * 1000) + fraction_ms
                                       : static_cast<int64_t>(number / (units_per_second / 1000));
  SetFromDays(static_cast<int64_t>(seconds / kSecondsPerDay), time);
  time.hour = static_cast<int>(seconds % kSecondsPerDay / 3600);
}

// Takes a time zone, with blanks before it; an absent zone means UTC. Nothing may follow.
bool TakeZone(std::string_view text, int& offset_minutes) {
  while (Take(text, ' ')) {
  }
  if (text.empty() || text == "Z" || text == "z" || text == "UTC" || text == "GMT") return true;
  const int sign = text.front() == '-' ? -1 : 1;
  if (!Take(text, '+') && !Take(text, '-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!TakeDigits(text, 2, hours)) return false;
  if (!text.empty()) {
    Take(text, ':');
    if (!TakeDigits(text, 2, minutes) || !text.empty()) return false;
  }
  if (hours > 14 || minutes > 59) return false;
  offset_minutes = sign * (hours * 60 + minutes);
  return true;
}

// Takes a time of day, with or without colons, and an optional time zone.
bool TakeTimeOfDay(std::string_view text, Parts& parts) {
  if (!TakeDigits(text, 2, parts.hour)) return false;
  const bool colons = Take(text, ':');
  if (colons || (!text.empty() && IsDigit(text.front()))) {
    if (!TakeDigits(text, 2, parts.minute)) return false;
    if (colons ? Take(text, ':') : !text.empty() && IsDigit(text.front())) {
      if (!TakeDigits(text, 2, parts.second)) return false;
      if ((Take(text, '.') || Take(text, ',')) && !TakeFraction(text, parts.millisecond)) {
        return false;
      }
    }
  }
  return TakeZone(text, parts.offset_minutes);
}

// Reads 2001-12-31 or 2001/12/31, optionally followed by a time of day.
bool ReadDashed(std::string_view text, CivilTime& time) {
  Parts parts;
  if (!TakeDigits(text, 4, parts.year)) return false;
  const char dash = text.front();
  if (!Take(text, dash) || !TakeDigits(text, 2, parts.month) || !Take(text, dash) ||
      !TakeDigits(text, 2, parts.day)) {
    return false;
  }
  if (text.empty()) return SetFromParts(parts, time);
  if (!Take(text, 'T') && !Take(text, 't') && !Take(text, ' ')) return false;
  return TakeTimeOfDay(text, parts) && SetFromParts(parts, time);
}

// Whether a number that ReadCompact() rejects was most likely meant as a compact time: as seconds,
// ten digits that begin with 20 would be in 2033 or later; as milliseconds, twelve digits that
// begin with 19 or 20 would be in 1976.
bool BeginsAsCompact(std::string_view digits) {
  return (digits.size() == 10 && digits.starts_with("20")) ||
         (digits.size() == 12 && (digits.starts_with("19") || digits.starts_with("20")));
}

// Reads YYYYMMDD, optionally followed by HH, HHMM or HHMMSS; or YYMMDDHH.
bool ReadCompact(std::string_view digits, CivilTime& time) {
  const size_t count = digits.size();
  if (count != 8 && count != 10 && count != 12 && count != 14) return false;
  Parts parts;
  std::string_view rest = digits;
  TakeDigits(rest, 4, parts.year);
  TakeDigits(rest, 2, parts.month);
  TakeDigits(rest, 2, parts.day);
  if (count >= 10) TakeDigits(rest, 2, parts.hour);
  if (count >= 12) TakeDigits(rest, 2, parts.minute);
  if (count == 14) TakeDigits(rest, 2, parts.second);
  // Ten digits may also be seconds since 1970, and those begin with 19 from 2030 on, so ten digits
  // only count as YYYYMMDDHH from 1970 on.
  const int first_year = count == 10 ? 1970 : 1900;
  if (parts.year >= first_year && parts.year < 2100 && SetFromParts(parts, time)) return true;
  if (count != 8) return false;
  rest = digits;
  TakeDigits(rest, 2, parts.year);
  TakeDigits(rest, 2, parts.month);
  TakeDigits(rest, 2, parts.day);
  TakeDigits(rest, 2, parts.hour);
  parts.year += 2000;
  return SetFromParts(parts, time);
}

std::optional<uint64_t> WholeNumber(std::string_view digits) {
  if (digits.empty() || digits.size() > 19) return std::nullopt;
  uint64_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<uint64_t>(c - '0');
  return number;
}

// Reads a number of seconds, milliseconds, microseconds or nanoseconds since 1970.
bool ReadPlausibleSeconds(std::string_view digits, int fraction_ms, CivilTime& time) {
  const std::optional<uint64_t> number = WholeNumber(digits);
  for (uint64_t unit = 1; number && unit <= 1'000'000'000; unit *= 1000) {
    const uint64_t seconds = *number / unit;
    if (seconds < kFirstPlausibleSecond) return false;
    if (seconds >= kEndOfPlausibleSeconds) continue;
    SetFromNumber(*number, unit, fraction_ms, time);
    return true;
  }
  return false;
}

// Whether `text` is a decimal point and zeros. Some programs write the whole numbers of a column so
// if it has missing values.
bool IsZeroFraction(std::string_view text) {
  return text.size() > 1 && text.front() == '.' &&
         text.find_first_not_of('0', 1) == std::string_view::npos;
}

bool ReadAnyForm(std::string_view text, CivilTime& time) {
  const size_t digits = DigitsAt(text);
  if (digits == 4 && text.size() > 4 && (text[4] == '-' || text[4] == '/')) {
    return ReadDashed(text, time);
  }
  const std::string_view number = text.substr(0, digits);
  std::string_view rest = text.substr(digits);
  if (rest.empty() || IsZeroFraction(rest)) {
    return ReadCompact(number, time) ||
           (!BeginsAsCompact(number) && ReadPlausibleSeconds(number, 0, time));
  }
  if (Take(rest, '.')) {
    int fraction_ms = 0;
    return TakeFraction(rest, fraction_ms) && rest.empty() &&
           ReadPlausibleSeconds(number, fraction_ms, time);
  }
  Parts parts;
  std::string_view date = number;
  if (digits != 8 || !TakeDigits(date, 4, parts.year) || !TakeDigits(date, 2, parts.month) ||
      !TakeDigits(date, 2, parts.day)) {
    return false;
  }
  if (!Take(rest, 'T') && !Take(rest, ' ')) return false;
  return TakeTimeOfDay(rest, parts) && SetFromParts(parts, time);
}

// How many units a second has if `format` is s, ms, us or ns; 0 if it is anything else.
uint64_t UnitsPerSecond(std::string_view format) {
  if (format == "s") return 1;
  if (format == "ms") return 1'000;
  if (format == "us") return 1'000'000;
  if (format == "ns") return 1'000'000'000;
  return 0;
}

bool ReadCount(std::string_view text, uint64_t units_per_second, CivilTime& time) {
  const size_t digits = DigitsAt(text);
  const std::optional<uint64_t> number = WholeNumber(text.substr(0, digits));
  std::string_view rest = text.substr(digits);
  if (!number || *number / units_per_second > kMaxSeconds) return false;
  int fraction_ms = 0;
  if (Take(rest, '.') && !TakeFraction(rest, fraction_ms)) return false;
  if (!rest.empty()) return false;
  SetFromNumber(*number, units_per_second, fraction_ms, time);
  return true;
}

// Takes the number for one letter of a pattern. It may lack its leading zero unless another number
// follows directly (`number_follows`) or it is a year.
bool TakePart(char letter, bool number_follows, std::string_view& text, Parts& parts) {
  const size_t width = letter == 'Y' ? 4 : 2;
  const size_t digits = std::min(DigitsAt(text), width);
  if (digits == 0 || (digits < width && (number_follows || letter == 'Y' || letter == 'y'))) {
    return false;
  }
  int number = 0;
  TakeDigits(text, digits, number);
  switch (letter) {
    case 'Y':
      parts.year = number;
      return true;
    case 'y':
      parts.year = 2000 + number;
      return true;
    case 'm':
      parts.month = number;
      return true;
    case 'd':
      parts.day = number;
      return true;
    case 'H':
      parts.hour = number;
      return true;
    case 'M':
      parts.minute = number;
      return true;
    default:
      parts.second = number;
      return true;
  }
}

bool ReadPattern(std::string_view text, std::string_view pattern, CivilTime& time) {
  Parts parts;
  while (!pattern.empty()) {
    const char c = pattern.front();
    pattern.remove_prefix(1);
    if (c == ' ') {
      if (!Take(text, ' ')) return false;
      while (Take(text, ' ')) {
      }
    } else if (c == '%' && pattern.front() != '%') {
      const char letter = pattern.front();
      pattern.remove_prefix(1);
      const bool number_follows = pattern.starts_with('%') && !pattern.starts_with("%%");
      if (!TakePart(letter, number_follows, text, parts)) return false;
    } else {
      if (c == '%') pattern.remove_prefix(1);
      if (!Take(text, c)) return false;
    }
  }
  return text.empty() && SetFromParts(parts, time);
}

// Whether each % is followed by a known letter, and the pattern has year, month and day, which the
// time features need.
bool IsPattern(std::string_view format) {
  std::string letters;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (++i == format.size()) return false;
    if (std::string_view("YymdHMS%").find(format[i]) == std::string_view::npos) return false;
    letters.push_back(format[i]);
  }
  const auto has = [&letters](char letter) { return letters.find(letter) != std::string::npos; };
  return (has('Y') || has('y')) && has('m') && has('d');
}

}  // namespace

absl::StatusOr<TimeReader> TimeReader::Make(std::string_view format) {
  if (format.empty() || UnitsPerSecond(format) != 0 || IsPattern(format)) {
    return TimeReader(std::string(format));
  }
  return absl::InvalidArgumentError(StrCat(
      "--time-format ", Quoted(format),
      ": it must be s, ms, us or ns, or a pattern with %Y (or %y), %m and %d, and optionally %H, "
      "%M and %S for hours, minutes and seconds, as in '%d.%m.%Y %H:%M'"));
}

bool TimeReader::Read(std::string_view text, CivilTime& time) const {
  if (format_.empty()) return ReadAnyForm(text, time);
  const uint64_t units = UnitsPerSecond(format_);
  return units != 0 ? ReadCount(text, units, time) : ReadPattern(text, format_, time);
}

std::string TimeReader::Allowed() const {
  if (!format_.empty()) return StrCat("as --time-format '", format_, "' says");
  return "a time such as 2001-12-31, 2001-12-31T09:30:00Z, 20011231, 2001123109, 01123109 "
         "(YYMMDDHH), "
         "or seconds or milliseconds since 1970; --time-format reads others, as in '%d.%m.%Y'";
}

}  // namespace freshet
