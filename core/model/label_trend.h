// Recent means of the labels: over the last few, the last dozens and the last hundreds of examples.

#ifndef FRESHET_CORE_MODEL_LABEL_TREND_H_
#define FRESHET_CORE_MODEL_LABEL_TREND_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "absl/status/status.h"
#include "core/base/portable_math.h"
#include "core/base/state.h"
#include "core/loss/loss_kind.h"

namespace freshet {

// Means of the labels with exponentially decaying weight. If the level of a stream goes up and
// down, they predict its next label without looking at any feature. Not thread-safe.
class LabelTrend {
 public:
  static constexpr size_t kCount = 3;

  explicit LabelTrend(LossKind loss) : loss_(loss) {
    if (IsBinary(loss_)) means_.fill(0.5);
  }

  // REQUIRES: weight > 0.
  void Observe(float label, double weight) {
    const double y = IsBinary(loss_) ? (label > 0 ? 1.0 : 0.0) : label;
    if (is_empty_ && !IsBinary(loss_)) means_.fill(y);
    is_empty_ = false;
    for (size_t i = 0; i < kCount; ++i) {
      const double kept = weight == 1 ? 1 - kRates[i] : Exp(weight * kLogKept[i]);
      means_[i] = y + kept * (means_[i] - y);
    }
  }

  // Sets `scores` to the means as scores, for a learner whose labels are (label - center) / scale.
  // Writes kCount numbers.
  void Scores(double center, double scale, double* scores) const {
    for (size_t i = 0; i < kCount; ++i) scores[i] = is_empty_ ? 0 : Score(means_[i], center, scale);
  }

  // Canonical: zeros while no label has been seen.
  void SaveState(StateWriter& writer) const {
    writer.WriteValue(is_empty_ ? decltype(means_){} : means_);
    writer.WriteValue(static_cast<uint32_t>(is_empty_ ? 0 : 1));
  }

  // DATA_LOSS if the saved state is invalid. REQUIRES: no label has been seen.
  absl::Status LoadState(StateReader& reader) {
    const auto means = reader.ReadValue<decltype(means_)>();
    const auto has_labels = reader.ReadValue<uint32_t>();
    if (!reader.status().ok()) return reader.status();
    const double bound = has_labels == 0 ? 0 : IsBinary(loss_) ? 1 : kMaxLabel;
    bool valid = has_labels <= 1;
    for (const double mean : means) valid &= std::abs(mean) <= bound;
    if (!valid) {
      return reader.Damaged("the trend of labels of the learner is out of range");
    }
    if (has_labels == 0) return absl::OkStatus();
    means_ = means;
    is_empty_ = false;
    return absl::OkStatus();
  }

 private:
  static constexpr std::array<double, kCount> kRates = {0.3, 0.03, 0.003};
  static constexpr std::array<double, kCount> kLogKept = {  // log(1 - rate)
      -0.35667494393873234, -0.030459207484708546, -0.0030045090202987217};
  static constexpr double kMinShare = 1e-4;  // The least share assumed for either class.
  static constexpr double kMinCount = 1e-4;
  static constexpr double kMaxLabel = 1e39;  // Above every float.

  double Score(double mean, double center, double scale) const {
    switch (loss_) {
      case LossKind::kLogistic: {
        const double share = std::min(std::max(mean, kMinShare), 1 - kMinShare);
        return NaturalLog(share / (1 - share));
      }
      case LossKind::kHinge:
        return 2 * mean - 1;
      case LossKind::kPoisson:
        return NaturalLog(std::max(mean, kMinCount));
      default:
        break;
    }
    return (mean - center) / scale;
  }

  // Constant after construction.
  LossKind loss_;

  // Owned by the writer.
  bool is_empty_ = true;
  std::array<double, kCount> means_{};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LABEL_TREND_H_
