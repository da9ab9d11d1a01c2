#include "core/metrics/base_rate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "core/base/portable_math.h"

namespace freshet {
namespace {

double TimesLog(double x) { return x > 0 ? x * NaturalLog(std::max(x, 1e-300)) : 0; }

}  // namespace

double BaseRate::Cost(double label) const {
  if (loss_ == LossKind::kPoisson) return TimesLog(label);
  if (loss_ == LossKind::kDeviance) return 2 * TimesLog(label);
  const double deviation = label - sums_.first_label;
  return deviation * deviation;
}

void BaseRate::Add(const ExampleBlock& block, double decay) {
  if (block.size == 0) return;
  double decayed_label = sums_.decayed_label;
  for (size_t i = 0; i < block.size; ++i) {
    decayed_label = decayed_label * decay + block.weights[i] * block.labels[i];
  }
  sums_.decayed_label = decayed_label;
  if (!has_costs()) return;
  if (sums_.is_begun == 0) sums_.first_label = block.labels[0];
  sums_.is_begun = 1;
  Sums sums = sums_;
  for (size_t i = 0; i < block.size; ++i) {
    const double cost = block.weights[i] * Cost(block.labels[i]);
    sums.all += cost;
    sums.decayed = sums.decayed * decay + cost;
    sums.group += cost;
  }
  sums_ = sums;
}

void BaseRate::EndGroup(bool ends_half) {
  sums_.newer += std::exchange(sums_.group, 0);
  if (ends_half) sums_.older = std::exchange(sums_.newer, 0);
}

double BaseRate::Loss(double weight, double label, double cost) const {
  if (!(weight > 0)) return 0;
  const double mean = label / weight;
  switch (loss_) {
    case LossKind::kLogistic:
    case LossKind::kShareLogistic:
      return std::max(0.0, -TimesLog(mean) - TimesLog(1 - mean));
    case LossKind::kZeroOne:
      return std::max(0.0, std::min(mean, 1 - mean));
    case LossKind::kHinge:
    case LossKind::kMarginHinge:
      return 2 * std::max(0.0, std::min(mean, 1 - mean));
    case LossKind::kSquared:
    case LossKind::kPoisson:
    case LossKind::kDeviance:
      return std::max(0.0, cost / weight - Cost(mean));
    case LossKind::kQuantile:
    case LossKind::kExpectile:
    case LossKind::kVwSquared:
    case LossKind::kVwQuantile:
      break;
  }
  return 0;
}

double BaseRate::Loss(const LossSums& all) const {
  if (has_running_loss()) return all.weight > 0 ? all.base_rate_loss / all.weight : 0;
  return Loss(all.weight, all.label, sums_.all);
}

double BaseRate::WindowLoss(const LossSums& window) const {
  if (has_running_loss()) return Loss(window);
  return Loss(window.weight, window.label, sums_.older + sums_.newer + sums_.group);
}

double BaseRate::DecayedLoss(double decayed_weight, double decayed_base_rate_loss) const {
  if (has_running_loss()) {
    return decayed_weight > 0 ? decayed_base_rate_loss / decayed_weight : 0;
  }
  return Loss(decayed_weight, sums_.decayed_label, sums_.decayed);
}

double BaseRate::OldCost(double weight, double label, double base_rate_loss) const {
  if (!has_costs() || !(weight > 0)) return 0;
  return base_rate_loss + weight * Cost(label / weight);
}

void BaseRate::Begin(const Counted& counted) {
  const auto cost_of = [this](const LossSums& sums) {
    return OldCost(sums.weight, sums.label, sums.base_rate_loss);
  };
  const LossSums& all = counted.all;
  const double mean = all.weight > 0 ? all.label / all.weight : 0;
  sums_ = {};
  sums_.first_label = mean;
  sums_.is_begun = all.weight > 0 ? 1 : 0;
  sums_.decayed_label = counted.decayed_weight * mean;
  sums_.all = cost_of(all);
  sums_.older = cost_of(counted.older);
  sums_.newer = cost_of(counted.newer);
  sums_.group = cost_of(counted.group);
  sums_.decayed =
      OldCost(counted.decayed_weight, sums_.decayed_label, counted.decayed_base_rate_loss);
}

absl::Status BaseRate::LoadState(StateReader& reader) {
  sums_ = reader.ReadValue<Sums>();
  if (!reader.status().ok()) return reader.status();
  for (const double sum : {sums_.all, sums_.decayed, sums_.group, sums_.newer, sums_.older,
                           sums_.decayed_label, sums_.first_label}) {
    if (!std::isfinite(sum)) {
      return reader.Damaged("the sums for the base rate's loss are not finite");
    }
  }
  return absl::OkStatus();
}

}  // namespace freshet
