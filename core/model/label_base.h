// The constant that would have predicted the labels so far best.

#ifndef FRESHET_CORE_MODEL_LABEL_BASE_H_
#define FRESHET_CORE_MODEL_LABEL_BASE_H_

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "core/base/portable_math.h"
#include "core/base/state.h"
#include "core/loss/loss.h"
#include "core/loss/loss_kind.h"

namespace freshet {

// A prediction that looks at no feature: the mean label, the more frequent class for hinge loss,
// and a running quantile for quantile loss. Before the first label it is a given score;
// probabilities and expected counts then go on as if this had been the mean of one example before
// the first. Not thread-safe.
template <LossFunction Loss>
class LabelBase {
 public:
  LabelBase(const Loss& loss, double first_score)
      : loss_(loss),
        first_score_(first_score),
        first_mean_(loss.Link(static_cast<float>(first_score))) {}

  // Counts a label. `scale` is about the spread of labels, for quantile loss. REQUIRES: weight > 0.
  void Observe(float label, double weight, double scale) {
    if (first_weight_ == 0) {
      first_weight_ = weight;
      quantile_ = label;
    }
    weight_ += weight;
    if constexpr (Loss::kKind == LossKind::kQuantile) {
      const double rate = kQuantileRate * weight / (weight_ + kQuantileDelay * first_weight_);
      const double step = -rate * scale * loss_.Gradient(static_cast<float>(quantile_), label);
      // Towards the label, and no further.
      quantile_ +=
          std::max(-std::abs(label - quantile_), std::min(step, std::abs(label - quantile_)));
    } else if constexpr (Loss::kKind != LossKind::kSquared) {
      sum_ += weight * (IsBinary(Loss::kKind) ? (label > 0 ? 1 : 0) : 1.0 * label);
    }
  }

  // The score, for a learner whose labels are (label - center) / scale, where the center is the
  // mean label.
  double Score(double center, double scale) const {
    if (weight_ == 0) return first_score_;
    const double sum = sum_ + first_weight_ * first_mean_;
    const double weight = weight_ + first_weight_;
    if constexpr (Loss::kKind == LossKind::kLogistic) {
      return NaturalLog(std::max(sum, kMinCount * weight) /
                        std::max(weight - sum, kMinCount * weight));
    } else if constexpr (Loss::kKind == LossKind::kHinge) {
      return 2 * sum_ > weight_ ? 1 : -1;
    } else if constexpr (Loss::kKind == LossKind::kPoisson) {
      return NaturalLog(std::max(sum / weight, kMinCount));
    } else if constexpr (Loss::kKind == LossKind::kQuantile) {
      return (quantile_ - center) / scale;
    } else {
      return 0;
    }
  }

  void SaveState(StateWriter& writer) const {
    for (const double number : {first_weight_, weight_, sum_, quantile_}) writer.WriteValue(number);
  }

  // DATA_LOSS if the saved state is invalid.
  absl::Status LoadState(StateReader& reader) {
    for (double* const number : {&first_weight_, &weight_, &sum_, &quantile_}) {
      *number = reader.ReadValue<double>();
    }
    if (!reader.status().ok()) return reader.status();
    bool valid = IsSum(first_weight_) && IsSum(weight_) && IsSum(sum_) &&
                 first_weight_ <= weight_ && (first_weight_ > 0) == (weight_ > 0) &&
                 std::abs(quantile_) <= kMaxLabel;
    if (IsBinary(Loss::kKind)) valid &= sum_ <= weight_;
    if (valid) return absl::OkStatus();
    return reader.Damaged("the base rate of the learner is out of range");
  }

 private:
  // The step that finds the median of normal labels fastest is about this share of their mean
  // distance from the mean, divided by the number of labels.
  static constexpr double kQuantileRate = 3;
  static constexpr double kQuantileDelay = 10;
  static constexpr double kMaxLabel = 1e39;  // Above every float.
  static constexpr double kMinCount = 1e-12;

  // Constant after construction.
  const Loss loss_;
  const double first_score_;
  const double first_mean_;

  // Owned by the writer.
  double first_weight_ = 0;
  double weight_ = 0;
  double sum_ = 0;  // Of labels times their weights; of positive ones for classes.
  double quantile_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LABEL_BASE_H_
