// Categories of a point in time: what recurs by the day, the week and the year.

#ifndef FRESHET_CORE_FORMAT_TIME_FEATURES_H_
#define FRESHET_CORE_FORMAT_TIME_FEATURES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/feature/example_batch.h"

namespace freshet {

struct CivilTime {
  int month;    // 1 to 12.
  int day;      // 1 to 31.
  int weekday;  // 0 (Monday) to 6.
  int hour;     // 0 to 23, or -1 where only the day is known.
};

// Reads `YYYY-MM-DD`, with `HH:MM`, `:SS` and a fraction behind a blank or a T, and a Z at the end;
// or seconds since 1970, with an optional fraction, taken as UTC. Returns false for other text and
// for points in time that do not exist.
bool ParseCivilTime(std::string_view text, CivilTime& time);

// The features of one column: hour=HH, weekday=ddd, weekday_hour=ddd_HH and
// month_day=MM-DD, as in hour=09, weekday=mon, weekday_hour=mon_09 and month_day=12-31.
class TimeFeatures {
 public:
  explicit TimeFeatures(uint32_t namespace_hash);

  // Adds those that are known.
  void Add(const CivilTime& time, size_t namespace_index, ExampleBatchBuilder& builder) const;

 private:
  struct Feature {
    std::string name;
    uint32_t id = 0;
  };

  std::array<Feature, 24> hours_;
  std::array<Feature, 7> weekdays_;
  std::array<std::array<Feature, 24>, 7> weekday_hours_;
  std::array<std::array<Feature, 32>, 13> month_days_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_TIME_FEATURES_H_
