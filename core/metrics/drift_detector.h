// Detects that a running mean has changed.
//
// This is the two-sided Page-Hinkley test on the means x of groups of examples, in units of their
// own deviation, so that nothing has to be tuned to a stream's scale:
//
//   z = (x - m) / s, at most kMaxStep from 0
//   up = max(0, up + z - kTolerance);  down = max(0, down - z - down_tolerance)
//   an alarm when up or down reaches kThreshold
//
// where m and s are the mean and the deviation of roughly the last kMemory groups. At the start and
// after an alarm, it learns the baseline from kWarmUp groups before it tests. A loss falls while a
// learner learns, which is not drift; a larger down_tolerance allows for that.
//
// Sources: E. S. Page. Continuous Inspection Schemes. Biometrika, 1954. D. V. Hinkley. Inference
// about the change-point from cumulative sum tests. Biometrika, 1971.

#ifndef FRESHET_CORE_METRICS_DRIFT_DETECTOR_H_
#define FRESHET_CORE_METRICS_DRIFT_DETECTOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// What a drift detector has found. v1.DriftAlarm describes each field.
struct DriftFigures {
  uint64_t count = 0;
  uint64_t last_example = 0;
  double level = 0;
};

// Not thread-safe.
class DriftDetector {
 public:
  // The tolerance upwards, and also downwards for a mean that is not expected to change.
  static constexpr double kTolerance = 0.5;
  // The tolerance downwards for a loss.
  static constexpr double kLearningTolerance = 1.5;

  explicit DriftDetector(double down_tolerance = kTolerance) : down_tolerance_(down_tolerance) {}

  // Tests the mean of the next group, whose last example has the number `example` in the stream.
  // REQUIRES: all groups have the same size, and the mean is finite.
  void Observe(double mean, uint64_t example);

  DriftFigures Figures() const;

  // Appends and reads the state. DATA_LOSS if the saved state is invalid.
  void SaveState(StateWriter& writer) const { writer.WriteValue(state_); }
  absl::Status LoadState(StateReader& reader);

 private:
  // The first two are numbers of groups, the next two are in deviations of a group's mean.
  static constexpr uint64_t kWarmUp = 100;
  static constexpr double kMemory = 400;
  static constexpr double kThreshold = 25;
  static constexpr double kMaxStep = 8;
  // The least deviation used, as a share of the mean: smaller changes are not worth an alarm.
  static constexpr double kMinDeviation = 0.005;

  struct State {
    uint64_t alarm_count = 0;
    uint64_t alarm_example = 0;
    uint64_t group_count = 0;  // Since the last alarm.
    double mean = 0;
    double variance = 0;
    double up = 0;
    double down = 0;
  };

  double down_tolerance_;
  State state_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_DRIFT_DETECTOR_H_
