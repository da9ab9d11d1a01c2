// Finds out that a running mean has changed.
//
// The Page-Hinkley test, both ways, of the means x of groups of examples, in units of their own
// deviation, so that nothing needs to be set for a stream's scale:
//
//   z = (x - m) / s, at most kMaxStep from 0
//   up = max(0, up + z - kTolerance);  down = max(0, down - z - down_tolerance)
//   an alarm where up or down reaches kThreshold
//
// where m and s are the mean and the deviation of the last kMemory groups or so. After an alarm,
// and at first, it learns what is usual from kWarmUp groups before it tests again. A loss falls
// while a learner learns, which is no drift: a larger down_tolerance lets it.
//
// Sources: E. S. Page. Continuous Inspection Schemes. Biometrika, 1954. D. V. Hinkley. Inference
// about the change-point from cumulative sum tests. Biometrika, 1971.

#ifndef FRESHET_CORE_METRICS_DRIFT_DETECTOR_H_
#define FRESHET_CORE_METRICS_DRIFT_DETECTOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// What a drift detector has found. See v1.DriftAlarm.
struct DriftFigures {
  uint64_t count = 0;
  uint64_t last_example = 0;
  double level = 0;
};

// Not thread-safe.
class DriftDetector {
 public:
  // For a mean that has no reason to change.
  static constexpr double kTolerance = 0.5;
  // For a loss, downwards.
  static constexpr double kLearningTolerance = 1.5;

  explicit DriftDetector(double down_tolerance = kTolerance) : down_tolerance_(down_tolerance) {}

  // Takes note of the mean of the next group, which ends with the example of this number.
  // REQUIRES: groups are of the same size, and the mean is finite.
  void Observe(double mean, uint64_t example);

  DriftFigures Figures() const;

  // Appends and reads the state. DATA_LOSS where the bytes do not fit.
  void SaveState(StateWriter& writer) const { writer.WriteValue(state_); }
  absl::Status LoadState(StateReader& reader);

 private:
  // In groups, and in deviations of a group's mean.
  static constexpr uint64_t kWarmUp = 100;
  static constexpr double kMemory = 400;
  static constexpr double kThreshold = 25;
  static constexpr double kMaxStep = 8;
  // The least deviation, as a share of the mean: less than that is no change worth a word.
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
