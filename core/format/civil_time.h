// Parses points in time in the forms that are common in data.

#ifndef FRESHET_CORE_FORMAT_CIVIL_TIME_H_
#define FRESHET_CORE_FORMAT_CIVIL_TIME_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace freshet {

// A point in time, and its parts in UTC that time features are made of.
struct CivilTime {
  int month;    // 1 to 12.
  int day;      // 1 to 31.
  int weekday;  // 0 (Monday) to 6.
  int hour;     // 0 to 23, or -1 if only the day is known.
  // The point in time itself, in milliseconds since 1970: the beginning of the day if only the day
  // is known.
  int64_t unix_ms = 0;
};

// Reads the times of one column. Immutable, so thread-safe.
//
// Without a format, these forms are recognised:
//
//   2001-12-31, 2001/12/31               optionally 09, 09:30, 09:30:15 or 09:30:15.250 after a
//                                        blank or a T, and a zone: Z, UTC, GMT, +02:00, +0200, +02
//   20011231, with 09, 0930 or 093015    the years 1900 to 2099 (1970 to 2099 with only the hour),
//                                        with or without a T between day and hour
//   01123109                             YYMMDDHH, the years 2000 to 2099, unless the eight digits
//                                        are a day of the years 1900 to 2099
//   1009790100, 1009790100.25            seconds since 1970, 1973 to 2099, UTC; also milliseconds,
//                                        microseconds and nanoseconds, told apart by their size
//
// A number may end with a point and zeros, as in 20011231.0. Other numbers are rejected as
// implausible. So are ten digits that begin with 20, and twelve that begin with 19 or 20, if they
// are not followed by a valid month, day and hour. A time with a zone other than UTC is converted
// to UTC.
class TimeReader {
 public:
  // `format` is empty for the forms above; or s, ms, us or ns for a number of these units since
  // 1970, of any size; or a pattern of %Y %y %m %d %H %M %S and %% with other characters between
  // them, as in "%d.%m.%Y %H:%M". In a pattern, a blank matches one or more blanks, %y is 2000 to
  // 2099, and a number other than a year may lack its leading zero if no other number follows
  // directly. INVALID_ARGUMENT for anything else.
  static absl::StatusOr<TimeReader> Make(std::string_view format);

  // False if `text` is not in the format, or is a time that does not exist.
  bool Read(std::string_view text, CivilTime& time) const;

  // What Read() accepts, for use in a message after "it must be".
  std::string Allowed() const;

 private:
  explicit TimeReader(std::string format) : format_(std::move(format)) {}

  std::string format_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_CIVIL_TIME_H_
