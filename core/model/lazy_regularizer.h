// l1 and l2 of all weights at every step, without touching them.

#ifndef FRESHET_CORE_MODEL_LAZY_REGULARIZER_H_
#define FRESHET_CORE_MODEL_LAZY_REGULARIZER_H_

#include <algorithm>
#include <atomic>
#include <cmath>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/optimizer/step_context.h"

namespace freshet {

// A weight w that is stored stands for contraction * T(w, gravity), where T moves it towards 0 by
// at most gravity. A step u along the gradient g of the loss, so of the size eta = -u / g, makes
//
//   contraction *= 1 - l2 eta;  gravity += l1 eta
//
// and moves what is stored by its own part divided by the contraction. Weights of absent features
// shrink with all others, and one that begins late has all of the gravity before it.
//
// Source: the lazy form of J. Langford, L. Li, T. Zhang. Sparse Online Learning via Truncated
// Gradient. JMLR 10, 2009. Threads: one writer, any number of readers.
class LazyRegularizer {
 public:
  // What makes a weight of what is stored, at one moment.
  struct Pull {
    template <typename Number>
    Number Of(Number stored) const {
      return contraction * SoftThreshold(stored, Filled<Number>(gravity));
    }

    float gravity;
    float contraction;
  };

  struct State {
    double gravity = 0;
    double contraction = 1;
  };

  LazyRegularizer(double l1, double l2) : l1_(l1), l2_(l2) {}

  bool is_active() const { return l1_ > 0 || l2_ > 0; }

  Pull pull() const {
    return {.gravity = static_cast<float>(gravity()),
            .contraction = static_cast<float>(contraction())};
  }
  State state() const { return {.gravity = gravity(), .contraction = contraction()}; }

  // What a step makes of the state.
  State After(double gradient, double u) const {
    if (std::abs(u) <= kMinStep || std::abs(gradient) <= kMinStep) return state();
    const double eta = -u / gradient;
    return {.gravity = gravity() + l1_ * eta,
            .contraction = contraction() * std::max(1 - l2_ * eta, kMinFactor)};
  }
  // For the writer.
  void Set(const State& state) {
    gravity_.store(state.gravity, std::memory_order_relaxed);
    contraction_.store(state.contraction, std::memory_order_relaxed);
  }

  // Whether what is stored should be replaced by what it stands for, before it is too far from it,
  // and the state set to the first one.
  bool IsDue() const { return contraction() < kMinContraction || gravity() > kMaxGravity; }

  // Nothing without l1 and l2. DATA_LOSS where the bytes do not fit.
  void SaveState(StateWriter& writer) const {
    if (!is_active()) return;
    writer.WriteValue(gravity());
    writer.WriteValue(contraction());
  }
  absl::Status LoadState(StateReader& reader) {
    if (!is_active()) return absl::OkStatus();
    const auto gravity = reader.ReadValue<double>();
    const auto contraction = reader.ReadValue<double>();
    if (!reader.status().ok()) return reader.status();
    if (!(gravity >= 0 && gravity <= kMaxGravity && contraction >= kMinContraction &&
          contraction <= 1)) {
      return absl::DataLossError("the saved learner has an impossible state of l1 and l2");
    }
    Set({.gravity = gravity, .contraction = contraction});
    return absl::OkStatus();
  }

 private:
  static constexpr double kMinStep = 1e-8;
  static constexpr double kMinFactor = 0.1;
  // Weights are bounded as they are stored (see bounds.h): this leaves room for 1e6.
  static constexpr double kMinContraction = 1e-6;
  static constexpr double kMaxGravity = 1e3;

  double gravity() const { return gravity_.load(std::memory_order_relaxed); }
  double contraction() const { return contraction_.load(std::memory_order_relaxed); }

  const double l1_;
  const double l2_;
  std::atomic<double> gravity_{0};
  std::atomic<double> contraction_{1};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LAZY_REGULARIZER_H_
