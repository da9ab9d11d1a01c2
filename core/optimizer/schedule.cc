#include "core/optimizer/schedule.h"

#include <algorithm>
#include <cmath>

#include "core/base/portable_math.h"

namespace freshet {
namespace {

// Smaller decays count as this, because NaturalLog() requires a normal number.
constexpr double kMinDecay = 1e-300;

}  // namespace

Schedule::Schedule(const ScheduleOptions& options) : options_(options) {
  if (const auto* exponential = std::get_if<ExponentialSchedule>(&options_)) {
    log_decay_ = NaturalLog(std::max(exponential->decay, kMinDecay));
  } else if (const auto* step = std::get_if<StepSchedule>(&options_)) {
    log_decay_ = NaturalLog(std::max(step->decay, kMinDecay));
  }
}

double Schedule::Share(double steps_taken) const {
  const double t = steps_taken;
  switch (options_.index()) {
    case 1: {
      const auto& options = std::get<InversePowerSchedule>(options_);
      return Pow(options.t0 / (options.t0 + t), options.power);
    }
    case 2:
      return Exp(log_decay_ * (t / std::get<ExponentialSchedule>(options_).decay_steps));
    case 3:
      return Exp(log_decay_ * std::floor(t / std::get<StepSchedule>(options_).decay_steps));
    case 4:
      return state_.share;
    default:
      return 1;
  }
}

void Schedule::Observe(double loss, double weight) {
  const auto& options = std::get<PlateauSchedule>(options_);
  state_.window_loss_sum += loss * weight;
  state_.window_weight_sum += weight;
  if (++state_.window_count >= options.window) EndWindow(options);
}

void Schedule::EndWindow(const PlateauSchedule& options) {
  const double loss = state_.window_loss_sum / state_.window_weight_sum;
  state_.window_loss_sum = 0;
  state_.window_weight_sum = 0;
  state_.window_count = 0;
  if (state_.best_loss < 0 || loss < state_.best_loss * (1 - options.threshold)) {
    state_.best_loss = loss;
    state_.bad_windows = 0;
    return;
  }
  if (++state_.bad_windows < options.patience) return;
  state_.bad_windows = 0;
  state_.share = std::max(state_.share * options.factor, options.min_share);
}

void Schedule::SaveState(StateWriter& writer) const {
  if (!observes_loss()) return;
  writer.WriteValue(state_.share);
  writer.WriteValue(state_.best_loss);
  writer.WriteValue(state_.window_loss_sum);
  writer.WriteValue(state_.window_weight_sum);
  writer.WriteValue(state_.window_count);
  writer.WriteValue(state_.bad_windows);
}

absl::Status Schedule::LoadState(StateReader& reader) {
  if (!observes_loss()) return absl::OkStatus();
  state_.share = reader.ReadValue<double>();
  state_.best_loss = reader.ReadValue<double>();
  state_.window_loss_sum = reader.ReadValue<double>();
  state_.window_weight_sum = reader.ReadValue<double>();
  state_.window_count = reader.ReadValue<uint32_t>();
  state_.bad_windows = reader.ReadValue<uint32_t>();
  const auto& options = std::get<PlateauSchedule>(options_);
  const bool valid = state_.share >= 0 && state_.share <= 1 &&
                     (state_.best_loss == -1 || IsSum(state_.best_loss)) &&
                     IsSum(state_.window_loss_sum) && IsSum(state_.window_weight_sum) &&
                     state_.window_count < options.window && state_.bad_windows < options.patience;
  if (!reader.status().ok()) return reader.status();
  if (!valid) {
    return reader.Damaged("the state of the plateau schedule is out of range");
  }
  return absl::OkStatus();
}

}  // namespace freshet
