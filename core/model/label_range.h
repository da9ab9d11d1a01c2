// The range that scores are clipped to.

#ifndef FRESHET_CORE_MODEL_LABEL_RANGE_H_
#define FRESHET_CORE_MODEL_LABEL_RANGE_H_

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// The range is [-limit, limit] if the loss has a finite score limit, otherwise the range of the
// labels seen, unbounded before the first label. Threads: one writer, any number of readers.
class LabelRange {
 public:
  // `begins_at_zero`: a range that is not fixed is not empty before the first label, but [0, 0].
  explicit LabelRange(float limit, bool begins_at_zero = false)
      : is_fixed_(std::isfinite(limit)), is_empty_(is_fixed_ || !begins_at_zero) {
    if (is_fixed_) Set(-limit, limit);
    if (!is_empty_) Set(0, 0);
  }

  float Clip(float score) const {
    return std::min(std::max(score, min_.load(std::memory_order_relaxed)),
                    max_.load(std::memory_order_relaxed));
  }

  // Only for the writer. REQUIRES: the label is finite.
  void Observe(float label) {
    if (is_fixed_) return;
    if (is_empty_) {
      Set(label, label);
      is_empty_ = false;
    } else {
      Set(std::min(min_.load(std::memory_order_relaxed), label),
          std::max(max_.load(std::memory_order_relaxed), label));
    }
  }

  // Canonical: zeros if no label has been seen or the range is fixed.
  void SaveState(StateWriter& writer) const {
    writer.WriteValue(is_empty_ ? 0.0f : min_.load(std::memory_order_relaxed));
    writer.WriteValue(is_empty_ ? 0.0f : max_.load(std::memory_order_relaxed));
    writer.WriteValue(static_cast<uint32_t>(is_empty_ ? 0 : 1));
  }

  // DATA_LOSS if the saved state is invalid.
  absl::Status LoadState(StateReader& reader) {
    const auto min = reader.ReadValue<float>();
    const auto max = reader.ReadValue<float>();
    const auto has_labels = reader.ReadValue<uint32_t>();
    if (!reader.status().ok()) return reader.status();
    const bool valid = std::isfinite(min) && std::isfinite(max) && min <= max;
    if (!valid || has_labels != (is_fixed_ ? 0 : has_labels & 1)) {
      return reader.Damaged("the range of labels of the learner is invalid");
    }
    if (has_labels != 0) Set(min, max);
    is_empty_ = has_labels == 0;
    return absl::OkStatus();
  }

 private:
  void Set(float min, float max) {
    min_.store(min, std::memory_order_relaxed);
    max_.store(max, std::memory_order_relaxed);
  }

  bool is_fixed_;
  bool is_empty_;
  std::atomic<float> min_{-std::numeric_limits<float>::infinity()};
  std::atomic<float> max_{std::numeric_limits<float>::infinity()};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LABEL_RANGE_H_
