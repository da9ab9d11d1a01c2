// How the learning rate changes with the number of steps t taken so far.

#ifndef FRESHET_CORE_OPTIMIZER_SCHEDULE_H_
#define FRESHET_CORE_OPTIMIZER_SCHEDULE_H_

#include <cstdint>
#include <variant>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// The rate stays as it is.
struct ConstantSchedule {};

// rate * (t0 / (t0 + t))^power
struct InversePowerSchedule {
  double t0 = 1;       // > 0; steps after which the rate begins to fall in earnest.
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

// Compares the mean progressive loss of each window with the best window so far; after `patience`
// windows without an improvement the rate is multiplied by `factor`, and the count starts again.
struct PlateauSchedule {
  double factor = 0.5;      // In (0, 1).
  uint32_t patience = 5;    // >= 1; windows.
  uint32_t window = 10000;  // >= 1; examples.
  double threshold =
      0.001;  // In [0, 1): a window improves where it is below best * (1 - threshold).
  double min_share = 0.001;  // In [0, 1]: the rate never falls below this share of where it began.
};

using ScheduleOptions = std::variant<ConstantSchedule, InversePowerSchedule, ExponentialSchedule,
                                     StepSchedule, PlateauSchedule>;

// A schedule and its state. Not thread-safe.
class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options);

  // The share of the learning rate that holds for the step after `steps_taken` steps. In [0, 1].
  double Share(uint64_t steps_taken) const;

  // Whether Observe() matters.
  bool observes_loss() const { return std::holds_alternative<PlateauSchedule>(options_); }

  // Takes note of the progressive loss of one example and its importance weight.
  // REQUIRES: observes_loss().
  void Observe(double loss, double weight);

  // Appends the state, canonical.
  void SaveState(StateWriter& writer) const;

  // Reads the state of a schedule with the same options. DATA_LOSS where it cannot be one.
  absl::Status LoadState(StateReader& reader);

 private:
  // What a plateau schedule remembers.
  struct PlateauState {
    double share = 1;
    double best_loss = -1;  // Negative before the end of the first window.
    double window_loss_sum = 0;
    double window_weight_sum = 0;
    uint32_t window_count = 0;  // Examples in the window so far.
    uint32_t bad_windows = 0;   // Since the last improvement or cut.
  };

  void EndWindow(const PlateauSchedule& options);

  ScheduleOptions options_;
  double log_decay_ = 0;  // Of ExponentialSchedule and StepSchedule.
  PlateauState state_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_SCHEDULE_H_
