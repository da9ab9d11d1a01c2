// Mixes predictions: learns online with which weights several scores add up to a better one.

#ifndef FRESHET_CORE_MODEL_MIXER_H_
#define FRESHET_CORE_MODEL_MIXER_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// A linear model of a few inputs, with a Gaussian belief about its weights: their mean v and their
// covariance P. z are the inputs of an example, k is the curvature of the loss at the score v z,
// and u is the importance-aware step of the loss for the importance weight h and the sensitivity
// z'Pz. Each example updates
//
//   v += u P z;  P -= h k (P z)(P z)' / (1 + h k z'Pz);  P += noise I
//
// This is an extended Kalman filter for weights that drift with the variance `noise` per example,
// except that the filter would only follow the gradient at the score, whereas the importance-aware
// step does not overshoot after a surprising label. For the squared loss it is recursive least
// squares.
//
// The inputs are the scores of the mixture's members and the additional inputs of the mixture. The
// caller keeps v, because it shares v with readers. Not thread-safe.
//
// Sources: C. Mattern. Mixing Strategies in Data Compression. DCC 2012. L. Ljung, T. Soderstrom.
// Theory and Practice of Recursive Identification. MIT Press, 1983.
template <size_t input_count>
class Mixer {
  static_assert(input_count % 2 == 0, "sums are taken two by two");

 public:
  using Vector = std::array<double, input_count>;

  // P starts as a diagonal matrix of `variances`. REQUIRES: variances >= 0, noise >= 0.
  Mixer(const Vector& variances, double noise) : variances_(variances), noise_(noise) { Reset(); }

  // v z.
  static double Score(const Vector& weights, const Vector& inputs) {
    double sums[2] = {0, 0};
    for (size_t i = 0; i < input_count; i += 2) {
      sums[0] += weights[i] * inputs[i];
      sums[1] += weights[i + 1] * inputs[i + 1];
    }
    return sums[0] + sums[1];
  }

  // P z and z'Pz for the inputs of an example.
  struct Direction {
    Vector along;
    double sensitivity;
  };
  Direction DirectionOf(const Vector& inputs) const {
    Vector along{};
    for (size_t i = 0; i < input_count; ++i) {
      const Vector& row = covariance_[i];
      const double input = inputs[i];
      for (size_t j = 0; j < input_count; ++j) along[j] += row[j] * input;
    }
    return {along, std::max(Score(along, inputs), 0.0)};
  }

  // Learns from the example of `direction`. `curvature` is h k, and `step` is u. Updates `weights`,
  // which is v.
  void Learn(const Direction& direction, double curvature, double step, Vector& weights) {
    const Vector& along = direction.along;
    for (size_t i = 0; i < input_count; ++i) {
      weights[i] = std::min(std::max(weights[i] + step * along[i], -kMaxWeight), kMaxWeight);
    }
    const double shrink = std::sqrt(curvature / (1 + curvature * direction.sensitivity));
    Vector scaled;
    for (size_t i = 0; i < input_count; ++i) scaled[i] = shrink * along[i];
    double least = 0;
    for (size_t i = 0; i < input_count; ++i) {
      Vector& row = covariance_[i];
      const double factor = scaled[i];
      for (size_t j = 0; j < input_count; ++j) row[j] -= factor * scaled[j];
      row[i] += row[i] < kMaxVariance ? noise_ : 0;
      least = std::min(least, row[i]);
    }
    if (!(least >= 0)) Reset();  // Rounding errors have made P invalid.
  }

  void SaveState(StateWriter& writer) const { writer.WriteValue(covariance_); }

  // DATA_LOSS if the saved state is invalid.
  absl::Status LoadState(StateReader& reader) {
    covariance_ = reader.ReadValue<decltype(covariance_)>();
    if (!reader.status().ok()) return reader.status();
    for (const Vector& row : covariance_) {
      for (const double number : row) {
        if (!(std::abs(number) <= kMaxCovariance)) {
          return reader.Damaged("the covariance of a mixer of the learner is out of range");
        }
      }
    }
    return absl::OkStatus();
  }

  static constexpr double kMaxWeight = 1e6;

 private:
  static constexpr double kMaxVariance = 10;
  static constexpr double kMaxCovariance = 1e30;

  void Reset() {
    for (size_t i = 0; i < input_count; ++i) {
      covariance_[i].fill(0);
      covariance_[i][i] = variances_[i];
    }
  }

  // Constant after construction.
  Vector variances_;
  double noise_;

  // Owned by the writer.
  std::array<Vector, input_count> covariance_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_MIXER_H_
