// The learning rate schedules as in textbooks.

#ifndef FRESHET_TESTS_SUPPORT_REFERENCE_SCHEDULE_H_
#define FRESHET_TESTS_SUPPORT_REFERENCE_SCHEDULE_H_

#include <cstddef>

#include "core/optimizer/schedule.h"

namespace freshet {

class ReferenceSchedule {
 public:
  explicit ReferenceSchedule(const ScheduleOptions& options) : options_(options) {}

  // The factor on the learning rate after `steps` steps.
  double Share(size_t steps) const;

  // Records a progressive loss and its importance weight, for the plateau schedule.
  void Observe(double loss, double weight);

 private:
  const ScheduleOptions options_;

  // For the plateau schedule.
  double share_ = 1;
  double best_ = -1;
  double loss_sum_ = 0;
  double loss_weight_ = 0;
  size_t loss_count_ = 0;
  size_t bad_windows_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_REFERENCE_SCHEDULE_H_
