// Turns a point in time into categories that recur daily, weekly and yearly.

#ifndef FRESHET_CORE_FORMAT_TIME_FEATURES_H_
#define FRESHET_CORE_FORMAT_TIME_FEATURES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/feature/example_batch.h"
#include "core/format/civil_time.h"

namespace freshet {

// The precomputed features of one column: hour=HH, weekday=ddd, weekday_hour=ddd_HH and
// month_day=MM-DD, as in hour=09, weekday=mon, weekday_hour=mon_09 and month_day=12-31. Immutable,
// so thread-safe.
class TimeFeatures {
 public:
  explicit TimeFeatures(uint32_t namespace_hash);

  // Adds the features of `time` to the open row; those with an hour only if the hour is known.
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
