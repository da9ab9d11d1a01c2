#include "tests/support/reference_schedule.h"

#include <algorithm>
#include <cmath>
#include <variant>

namespace freshet {

double ReferenceSchedule::Share(size_t steps) const {
  const auto t = static_cast<double>(steps);
  if (const auto* inverse_power = std::get_if<InversePowerSchedule>(&options_)) {
    return std::pow(inverse_power->t0 / (inverse_power->t0 + t), inverse_power->power);
  }
  if (const auto* exponential = std::get_if<ExponentialSchedule>(&options_)) {
    return std::pow(exponential->decay, t / exponential->decay_steps);
  }
  if (const auto* step = std::get_if<StepSchedule>(&options_)) {
    return std::pow(step->decay, std::floor(t / step->decay_steps));
  }
  return share_;
}

void ReferenceSchedule::Observe(double loss, double weight) {
  const auto* plateau = std::get_if<PlateauSchedule>(&options_);
  if (plateau == nullptr) return;
  loss_sum_ += weight * loss;
  loss_weight_ += weight;
  if (++loss_count_ < plateau->window) return;
  const double mean = loss_sum_ / loss_weight_;
  loss_sum_ = loss_weight_ = 0;
  loss_count_ = 0;
  if (best_ < 0 || mean < best_ - plateau->threshold * best_) {
    best_ = mean;
    bad_windows_ = 0;
  } else if (++bad_windows_ == plateau->patience) {
    share_ = std::max(share_ * plateau->factor, plateau->min_share);
    bad_windows_ = 0;
  }
}

}  // namespace freshet
