#include "core/format/time_features.h"

#include <string>
#include <string_view>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"

namespace freshet {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"mon", "tue", "wed", "thu",
                                                       "fri", "sat", "sun"};

std::string TwoDigits(size_t number) { return StrCat(number < 10 ? "0" : "", number); }

}  // namespace

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
