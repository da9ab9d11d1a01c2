// The range that scores are clipped to, as in Vowpal Wabbit.

#ifndef FRESHET_CORE_MODEL_PREDICTION_RANGE_H_
#define FRESHET_CORE_MODEL_PREDICTION_RANGE_H_

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/loss/loss_kind.h"

namespace freshet {

// Begins at [0, 0] and takes in each label before its example is predicted, so that scores stay
// among the labels. For logistic and Poisson loss, whose scores are not of the kind of labels, it
// is [-50, 50]. Threads: one writer, any number of readers.
class PredictionRange {
 public:
  struct Bounds {
    std::optional<double> min = {};
    std::optional<double> max = {};
  };

  // Without a limit: Clip() returns what it is given.
  PredictionRange() {
    Set(-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity());
  }
  // If either bound is given, the range is fixed, and a bound that is not given is 0.
  PredictionRange(LossKind loss, const Bounds& bounds) : is_limited_(true) {
    const bool is_logit = loss == LossKind::kLogistic || loss == LossKind::kShareLogistic ||
                          loss == LossKind::kPoisson || loss == LossKind::kDeviance;
    const float limit = is_logit ? kLogitLimit : 0;
    Set(-limit, limit);
    grows_ = !is_logit;
    if (!bounds.min && !bounds.max) return;
    Set(static_cast<float>(bounds.min.value_or(0)), static_cast<float>(bounds.max.value_or(0)));
    grows_ = false;
  }

  bool is_limited() const { return is_limited_; }

  // As in Vowpal Wabbit, a score above the range becomes its upper end even if that is below its
  // lower end.
  float Clip(float score) const {
    const float max = max_.load(std::memory_order_relaxed);
    if (score > max) return max;
    return std::max(score, min_.load(std::memory_order_relaxed));
  }

  // Only for the writer. REQUIRES: the label is finite.
  void Observe(float label) {
    if (!grows_) return;
    Set(std::min(min_.load(std::memory_order_relaxed), label),
        std::max(max_.load(std::memory_order_relaxed), label));
  }

  // The state is empty without a limit. DATA_LOSS if the saved state is invalid.
  void SaveState(StateWriter& writer) const {
    if (!is_limited_) return;
    writer.WriteValue(min_.load(std::memory_order_relaxed));
    writer.WriteValue(max_.load(std::memory_order_relaxed));
  }
  absl::Status LoadState(StateReader& reader) {
    if (!is_limited_) return absl::OkStatus();
    const auto min = reader.ReadValue<float>();
    const auto max = reader.ReadValue<float>();
    if (!reader.status().ok()) return reader.status();
    if (!std::isfinite(min) || !std::isfinite(max)) {
      return reader.Damaged("the range of predictions of the learner is invalid");
    }
    Set(min, max);
    return absl::OkStatus();
  }

 private:
  static constexpr float kLogitLimit = 50;

  void Set(float min, float max) {
    min_.store(min, std::memory_order_relaxed);
    max_.store(max, std::memory_order_relaxed);
  }

  bool is_limited_ = false;
  bool grows_ = false;
  std::atomic<float> min_;
  std::atomic<float> max_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_PREDICTION_RANGE_H_
