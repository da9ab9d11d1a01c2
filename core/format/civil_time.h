// Points in time, in the forms that data comes in.

#ifndef FRESHET_CORE_FORMAT_CIVIL_TIME_H_
#define FRESHET_CORE_FORMAT_CIVIL_TIME_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace freshet {

struct CivilTime {
  int month;    // 1 to 12.
  int day;      // 1 to 31.
  int weekday;  // 0 (Monday) to 6.
  int hour;     // 0 to 23, or -1 where only the day is known.
};

// Reads times of one column. Immutable.
//
// Without a format, these are times:
//
//   2001-12-31, 2001/12/31               with 09, 09:30, 09:30:15 or 09:30:15.250 behind a blank or
//                                        a T, and a zone: Z, UTC, GMT, +02:00, +0200 or +02
//   20011231, with 09, 0930 or 093015    the years 1900 to 2099 (1970 to 2099 with the hour alone),
//                                        with or without a T between day and hour
//   01123109                             YYMMDDHH, the years 2000 to 2099, where the eight digits
//                                        are no day of the years 1900 to 2099
//   1009790100, 1009790100.25            seconds since 1970, 1973 to 2099, UTC; also milliseconds,
//                                        microseconds and nanoseconds, told by their size
//
// Other numbers are no plausible time, nor are ten digits that begin with 20, or twelve that begin
// with 19 or 20, and have no such month, day or hour behind them. A zone other than UTC is undone:
// the time is UTC's.
class TimeReader {
 public:
  // `format`: empty, as above; s, ms, us or ns for a number of these since 1970, of any size; or a
  // pattern of %Y %y %m %d %H %M %S and %% with other characters between them, in which a blank
  // stands for any number of blanks, as in "%d.%m.%Y %H:%M". %y is 2000 to 2099, a number may lack
  // its leading zero where no digit follows it in the pattern. INVALID_ARGUMENT for anything else.
  static absl::StatusOr<TimeReader> Make(std::string_view format);

  // False where `text` is no such time, or one that does not exist.
  bool Read(std::string_view text, CivilTime& time) const;

  // What Read() takes, for a message.
  std::string Allowed() const;

 private:
  explicit TimeReader(std::string format) : format_(std::move(format)) {}

  std::string format_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_CIVIL_TIME_H_
