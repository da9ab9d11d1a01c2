// The learning rate schedules as the textbook has them.

#ifndef FRESHET_TESTS_SUPPORT_REFERENCE_SCHEDULE_H_
#define FRESHET_TESTS_SUPPORT_REFERENCE_SCHEDULE_H_

#include <cstddef>

#include "core/optimizer/schedule.h"

namespace freshet {

class ReferenceSchedule {
 public:
  explicit ReferenceSchedule(const ScheduleOptions& options) : options_(options) {}

  // The share of the learning rate after so many steps.
  double Share(size_t steps) const;

  // Takes note of a progressive loss and its importance weight.
  void Observe(double loss, double weight);

 private:
  const ScheduleOptions options_;

  // Plateau.
  double share_ = 1;
  double best_ = -1;
  double loss_sum_ = 0;
  double loss_weight_ = 0;
  size_t loss_count_ = 0;
  size_t bad_windows_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_REFERENCE_SCHEDULE_H_
