#include "core/metrics/drift_detector.h"

#include <algorithm>
#include <cmath>

namespace freshet {

void DriftDetector::Observe(double mean, uint64_t example) {
  double change = mean - state_.mean;
  if (state_.group_count >= kWarmUp) {
    const double deviation =
        std::max(std::sqrt(state_.variance), kMinDeviation * std::abs(state_.mean));
    const double bound = kMaxStep * deviation;
    // A mean that was always 0 has no deviation, so any other mean counts as the largest step.
    const double step = bound > 0 ? std::clamp(change, -bound, bound) / deviation
                                  : (change > 0 ? kMaxStep : (change < 0 ? -kMaxStep : 0));
    state_.up = std::max(0.0, state_.up + step - kTolerance);
    state_.down = std::max(0.0, state_.down - step - down_tolerance_);
    if (std::max(state_.up, state_.down) >= kThreshold) {
      state_ = {.alarm_count = state_.alarm_count + 1, .alarm_example = example};
      change = mean;
    } else if (bound > 0) {
      // So that one outlier does not shift the baseline.
      change = std::clamp(change, -bound, bound);
    }
  }
  ++state_.group_count;
  const double share = 1 / std::min(static_cast<double>(state_.group_count), kMemory);
  state_.mean += share * change;
  state_.variance = (1 - share) * (state_.variance + share * change * change);
}

DriftFigures DriftDetector::Figures() const {
  return {.count = state_.alarm_count,
          .last_example = state_.alarm_example,
          .level = std::max(state_.up, state_.down) / kThreshold};
}

absl::Status DriftDetector::LoadState(StateReader& reader) {
  state_ = reader.ReadValue<State>();
  if (!reader.status().ok()) return reader.status();
  const auto is_level = [](double level) { return level >= 0 && level < kThreshold; };
  if (!std::isfinite(state_.mean) || !std::isfinite(state_.variance) || state_.variance < 0 ||
      !is_level(state_.up) || !is_level(state_.down)) {
    return reader.Damaged("the state of the drift detection is out of range");
  }
  return absl::OkStatus();
}

}  // namespace freshet
