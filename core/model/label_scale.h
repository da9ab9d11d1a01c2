// The mean and the spread of labels.

#ifndef FRESHET_CORE_MODEL_LABEL_SCALE_H_
#define FRESHET_CORE_MODEL_LABEL_SCALE_H_

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// Tracks the mean of the labels and their mean distance from it. A learner that must cope with
// numbers of any size works in this scale. Not thread-safe.
class LabelScale {
 public:
  // REQUIRES: weight > 0.
  void Observe(double label, double weight) {
    const double share = weight / (weight_ + weight);
    const double distance = weight_ > 0 ? label - center_ : 0;
    center_ = weight_ > 0 ? center_ + share * distance : label;
    deviation_ += share * (std::abs(distance) - deviation_);
    weight_ += weight;
  }

  double center() const { return center_; }
  // The mean distance, or 1 while all labels are the same.
  double scale() const { return deviation_ > kMinDeviation ? deviation_ : 1; }

  void SaveState(StateWriter& writer) const {
    writer.WriteValue(center_);
    writer.WriteValue(deviation_);
    writer.WriteValue(weight_);
  }

  // DATA_LOSS if the saved state is invalid.
  absl::Status LoadState(StateReader& reader) {
    center_ = reader.ReadValue<double>();
    deviation_ = reader.ReadValue<double>();
    weight_ = reader.ReadValue<double>();
    if (!reader.status().ok()) return reader.status();
    const bool valid = std::abs(center_) <= kMaxLabel && deviation_ >= 0 &&
                       deviation_ <= 2 * kMaxLabel && weight_ >= 0 && weight_ <= kMaxWeight;
    if (valid) return absl::OkStatus();
    return reader.Damaged("the scale of labels of the learner is out of range");
  }

 private:
  static constexpr double kMinDeviation = 1e-30;
  static constexpr double kMaxLabel = 1e39;    // Above every float.
  static constexpr double kMaxWeight = 1e100;  // Far above any possible sum of weights.

  double center_ = 0;
  double deviation_ = 0;
  double weight_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LABEL_SCALE_H_
