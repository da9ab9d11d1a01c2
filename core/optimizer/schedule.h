// Schedules: how the learning rate changes with t, the number of steps taken so far.

#ifndef FRESHET_CORE_OPTIMIZER_SCHEDULE_H_
#define FRESHET_CORE_OPTIMIZER_SCHEDULE_H_

#include <cstdint>
#include <variant>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// The rate stays constant.
struct ConstantSchedule {};

// rate * (t0 / (t0 + t))^power
struct InversePowerSchedule {
  double t0 = 1;       // > 0; the number of steps after which the rate starts to fall noticeably.
  double power = 0.5;  // >= 0; how fast it falls.
};

// rate * decay^(t / decay_steps)
struct ExponentialSchedule {
  double decay = 0.5;            // In (0, 1].
  double decay_steps = 1000000;  // >= 1
};

// rate * decay^floor(t / decay_steps)
struct StepSchedule {
  double decay = 0.5;            // In (0, 1].
  double decay_steps = 1000000;  // >= 1
};

// Compares the mean progressive loss of each window with that of the best window so far. After
// `patience` windows without improvement, multiplies the rate by `factor` and restarts the count.
struct PlateauSchedule {
  double factor = 0.5;      // In (0, 1).
  uint32_t patience = 5;    // >= 1; windows.
  uint32_t window = 10000;  // >= 1; examples.
  // In [0, 1): a window is an improvement if it is below best * (1 - threshold).
  double threshold = 0.001;
  double min_share = 0.001;  // In [0, 1]: the rate never falls below this share of its start value.
};

using ScheduleOptions = std::variant<ConstantSchedule, InversePowerSchedule, ExponentialSchedule,
                                     StepSchedule, PlateauSchedule>;

// A schedule and its state. Not thread-safe.
class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options);

  // The factor for the learning rate of the step that follows `steps_taken` steps, or examples of
  // that total weight. In [0, 1].
  double Share(double steps_taken) const;

  // Whether Observe() must be called.
  bool observes_loss() const { return std::holds_alternative<PlateauSchedule>(options_); }

  // Counts the progressive loss of one example, with its importance weight.
  // REQUIRES: observes_loss().
  void Observe(double loss, double weight);

  // Appends the state, in canonical form.
  void SaveState(StateWriter& writer) const;

  // Reads the state of a schedule with the same options. DATA_LOSS if the saved state is invalid.
  absl::Status LoadState(StateReader& reader);

 private:
  // The state of a PlateauSchedule; unused by the others.
  struct PlateauState {
    double share = 1;
    double best_loss = -1;  // Negative before the end of the first window.
    double window_loss_sum = 0;
    double window_weight_sum = 0;
    uint32_t window_count = 0;  // Examples in the window so far.
    uint32_t bad_windows = 0;   // Since the last improvement or reduction of the rate.
  };

  void EndWindow(const PlateauSchedule& options);

  ScheduleOptions options_;
  double log_decay_ = 0;  // The log of `decay` in ExponentialSchedule or StepSchedule.
  PlateauState state_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_SCHEDULE_H_
