#include "tests/support/learner_specs.h"

namespace freshet {
namespace {

struct NamedOptimizer {
  std::string name;
  OptimizerOptions options;
  double learning_rate;
};

std::vector<NamedOptimizer> Optimizers() {
  return {
      {"sgd", Sgd::Options{}, 0.08},
      {"minibatch", MiniBatch::Options{.examples = 7}, 0.2},
      {"momentum", Momentum::Options{.momentum = 0.7}, 0.02},
      {"nesterov", Nesterov::Options{.momentum = 0.7}, 0.02},
      {"adagrad", AdaGrad::Options{.epsilon = 0.2}, 0.3},
      {"rmsprop", RmsProp::Options{.rho = 0.98, .epsilon = 1e-3}, 0.02},
      {"adam", Adam::Options{.beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-3}, 0.02},
      {"ftrl", Ftrl::Options{.beta = 0.5}, 0.3},
      {"nag", NagOptions{}, 0.4},
      {"nag_adaptive", NagOptions{.power = 0.4, .normalized = false, .invariant = false}, 0.1},
      {"nag_normalized", NagOptions{.adaptive = false}, 0.3},
      {"nag_invariant", NagOptions{.adaptive = false, .normalized = false}, 0.1},
      {"coin", Coin::Options{.alpha = 2, .beta = 0.6}, 0.1},
      {"auto", AutoOptions{.share = 1e-3}, 0.1},
      {"auto_without",
       AutoOptions{.adagrad = false, .slow_sgd = false, .mixers = false, .base_rate = false}, 0.1},
      {"auto_first", AutoOptions{.share = 1e-3, .rules = AutoRules::kFirst}, 0.1},
  };
}

LearnerSpec SpecOf(const NamedOptimizer& optimizer) {
  LearnerSpec spec;
  spec.optimizer = optimizer.options;
  spec.linear.learning_rate = optimizer.learning_rate;
  spec.linear.intercept_learning_rate = optimizer.learning_rate / 3;
  spec.linear.initial_intercept = -0.4;
  spec.linear.bits = 10;
  return spec;
}

}  // namespace

std::vector<NamedSpec> EveryOptimizerAndLoss() {
  std::vector<NamedSpec> specs;
  for (const NamedOptimizer& optimizer : Optimizers()) {
    LearnerSpec spec = SpecOf(optimizer);
    specs.push_back({optimizer.name + "_logistic", spec});
    // Uneven rates keep sums of steps from ever ending exactly at the kink.
    spec.linear.learning_rate *= 0.9637;
    spec.linear.intercept_learning_rate *= 0.9411;
    spec.loss = LossKind::kHinge;
    specs.push_back({optimizer.name + "_hinge", spec});
    spec.loss = LossKind::kQuantile;
    spec.quantile_tau = 0.7;
    specs.push_back({optimizer.name + "_quantile", spec});
    // The gradients of this loss and the next are larger than those of the losses before.
    spec.linear.learning_rate /= 4;
    spec.linear.intercept_learning_rate /= 4;
    spec.loss = LossKind::kSquared;
    specs.push_back({optimizer.name + "_squared", spec});
    spec.linear.learning_rate /= 20;
    spec.linear.intercept_learning_rate /= 20;
    spec.loss = LossKind::kPoisson;
    specs.push_back({optimizer.name + "_poisson", spec});
  }
  return specs;
}

std::vector<NamedSpec> EveryOptimizerAndSchedule() {
  const std::vector<std::pair<std::string, ScheduleOptions>> schedules = {
      {"constant", ConstantSchedule{}},
      {"inverse_power", InversePowerSchedule{.t0 = 50, .power = 0.6}},
      {"exponential", ExponentialSchedule{.decay = 0.3, .decay_steps = 400}},
      {"step", StepSchedule{.decay = 0.5, .decay_steps = 90}},
      {"plateau",
       PlateauSchedule{
           .factor = 0.6, .patience = 2, .window = 40, .threshold = 0.05, .min_share = 0.05}},
  };
  std::vector<NamedSpec> specs;
  for (const NamedOptimizer& optimizer : Optimizers()) {
    for (const auto& [name, schedule] : schedules) {
      LearnerSpec spec = SpecOf(optimizer);
      spec.schedule = schedule;
      specs.push_back({optimizer.name + "_" + name, spec});
    }
  }
  return specs;
}

}  // namespace freshet
