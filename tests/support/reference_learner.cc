#include "tests/support/reference_learner.h"

#include <algorithm>
#include <cmath>
#include <variant>

namespace freshet {
namespace {

// Moves x towards 0 by at most `bound`.
double Shrink(double x, double bound) {
  return std::copysign(std::max(std::abs(x) - bound, 0.0), x);
}

}  // namespace

ReferenceLearner::ReferenceLearner(const LearnerSpec& spec, size_t feature_count)
    : spec_(spec),
      loss_{.kind = spec.loss, .tau = spec.quantile_tau},
      schedule_(spec.schedule),
      weights_(feature_count + 1),
      velocities_(feature_count + 1),
      squares_(feature_count + 1),
      pulls_(feature_count + 1),
      last_steps_(feature_count + 1),
      window_gradients_(feature_count + 1),
      window_present_(feature_count + 1) {
  if (spec_.linear.intercept) weights_.back() = spec_.linear.initial_intercept;
  if (std::holds_alternative<Ftrl::Options>(spec_.optimizer)) std::swap(weights_.back(), offset_);
}

std::vector<double> ReferenceLearner::ValuesOf(const StreamExample& example) const {
  std::vector<double> x(weights_.size());
  for (const StreamFeature& feature : example.features) x[feature.id] = feature.value;
  x.back() = spec_.linear.intercept ? 1 : 0;
  return x;
}

double ReferenceLearner::Score(const std::vector<double>& x) const {
  double score = offset_;
  for (size_t i = 0; i < x.size(); ++i) score += weights_[i] * x[i];
  return score;
}

double ReferenceLearner::Learn(const StreamExample& example) {
  const std::vector<double> x = ValuesOf(example);
  std::vector<bool> present(weights_.size());
  for (const StreamFeature& feature : example.features) present[feature.id] = true;
  present.back() = spec_.linear.intercept;

  const double score = Score(x);
  if (example.weight == 0) return score;

  std::vector<double> gradients(weights_.size());
  for (size_t i = 0; i < x.size(); ++i) {
    gradients[i] = example.weight * loss_.Gradient(score, example.label) * x[i];
  }
  const auto* minibatch = std::get_if<MiniBatch::Options>(&spec_.optimizer);
  if (minibatch == nullptr) {
    Step(gradients, present);
  } else {
    for (size_t i = 0; i < x.size(); ++i) {
      window_gradients_[i] += gradients[i] / minibatch->examples;
      if (present[i]) window_present_[i] = true;
    }
    if (++window_count_ == minibatch->examples) {
      Step(window_gradients_, window_present_);
      std::fill(window_gradients_.begin(), window_gradients_.end(), 0);
      std::fill(window_present_.begin(), window_present_.end(), false);
      window_count_ = 0;
    }
  }
  schedule_.Observe(loss_.Value(score, example.label), example.weight);
  return score;
}

void ReferenceLearner::Step(const std::vector<double>& gradients,
                            const std::vector<bool>& present) {
  const LinearOptions& options = spec_.linear;
  const double share = schedule_.Share(steps_);
  ++steps_;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const bool is_intercept = i + 1 == weights_.size();
    double g = gradients[i];
    if (options.gradient_clip > 0) {
      g = std::clamp(g, -options.gradient_clip, options.gradient_clip);
    }
    const bool is_regularized = present[i] && (!is_intercept || options.regularize_intercept);
    const bool is_ftrl = std::holds_alternative<Ftrl::Options>(spec_.optimizer);
    if (is_regularized && !is_ftrl) g += options.l2 * weights_[i];
    const double rate = is_intercept ? options.intercept_learning_rate : options.learning_rate;
    const double before = weights_[i];
    const double l1 = is_regularized ? options.l1 : 0;
    if (HasVelocity()) g = before != 0 ? g + std::copysign(l1, before) : Shrink(g, l1);
    const double step_rate = MoveOne(i, rate * share, g, present[i]);
    if (is_ftrl || l1 == 0) continue;
    if (!HasVelocity()) {
      weights_[i] = Shrink(weights_[i], step_rate * l1);
    } else if (weights_[i] * before < 0) {
      weights_[i] = velocities_[i] = 0;
    }
  }
}

bool ReferenceLearner::HasVelocity() const {
  return std::holds_alternative<Momentum::Options>(spec_.optimizer) ||
         std::holds_alternative<Nesterov::Options>(spec_.optimizer);
}

double ReferenceLearner::MoveOne(size_t i, double rate, double g, bool present) {
  double& w = weights_[i];
  double& v = velocities_[i];
  double& s = squares_[i];
  if (const auto* momentum = std::get_if<Momentum::Options>(&spec_.optimizer)) {
    v = momentum->momentum * v - rate * g;
    w += v;
  } else if (const auto* nesterov = std::get_if<Nesterov::Options>(&spec_.optimizer)) {
    v = nesterov->momentum * v - rate * g;
    w += nesterov->momentum * v - rate * g;
  } else if (const auto* adagrad = std::get_if<AdaGrad::Options>(&spec_.optimizer)) {
    s += g * g;
    rate /= std::sqrt(s + adagrad->epsilon);
    w -= rate * g;
  } else if (const auto* rmsprop = std::get_if<RmsProp::Options>(&spec_.optimizer)) {
    s = rmsprop->rho * s + (1 - rmsprop->rho) * g * g;
    rate /= std::sqrt(s + rmsprop->epsilon);
    w -= rate * g;
  } else if (const auto* adam = std::get_if<Adam::Options>(&spec_.optimizer)) {
    if (!present) return 0;
    const auto absent = static_cast<double>(steps_ - last_steps_[i]);
    last_steps_[i] = steps_;
    v = std::pow(adam->beta1, absent) * v + (1 - adam->beta1) * g;
    s = std::pow(adam->beta2, absent) * s + (1 - adam->beta2) * g * g;
    const auto t = static_cast<double>(steps_);
    const double mean = v / (1 - std::pow(adam->beta1, t));
    const double square = s / (1 - std::pow(adam->beta2, t));
    rate /= std::sqrt(square) + adam->epsilon;
    w -= rate * mean;
  } else if (std::holds_alternative<Ftrl::Options>(spec_.optimizer)) {
    MoveFtrl(i, rate, g, g * g);
  } else {  // SGD, and mini-batch at the end of a window.
    w -= rate * g;
  }
  return rate;
}

double ReferenceLearner::Correct(const StreamExample& example, double old_label) {
  const LinearOptions& options = spec_.linear;
  const std::vector<double> x = ValuesOf(example);
  const double score = Score(x);
  const auto* minibatch = std::get_if<MiniBatch::Options>(&spec_.optimizer);
  const double share = minibatch == nullptr ? 1 : 1.0 / minibatch->examples;
  const double clip = options.gradient_clip > 0 ? options.gradient_clip : HUGE_VAL;
  const auto gradient = [&](double label, size_t i) {
    const double g = example.weight * share * loss_.Gradient(score, label) * x[i];
    return std::clamp(g, -clip, clip);
  };
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == 0) continue;
    const double before = gradient(old_label, i);
    const double after = gradient(example.label, i);
    const bool is_intercept = i + 1 == x.size();
    const double rate = is_intercept ? options.intercept_learning_rate : options.learning_rate;
    CorrectOne(i, rate * schedule_.Share(std::max<size_t>(steps_, 1) - 1), after - before,
               std::max(after * after - before * before, 0.0));
  }
  return score;
}

void ReferenceLearner::CorrectOne(size_t i, double rate, double g, double square) {
  double& w = weights_[i];
  double& v = velocities_[i];
  double& s = squares_[i];
  if (std::holds_alternative<Momentum::Options>(spec_.optimizer)) {
    v -= rate * g;
    w -= rate * g;
  } else if (const auto* nesterov = std::get_if<Nesterov::Options>(&spec_.optimizer)) {
    v -= rate * g;
    w -= (1 + nesterov->momentum) * rate * g;
  } else if (const auto* adagrad = std::get_if<AdaGrad::Options>(&spec_.optimizer)) {
    s += square;
    w -= rate * g / std::sqrt(std::max(s, g * g) + adagrad->epsilon);
  } else if (std::holds_alternative<Ftrl::Options>(spec_.optimizer)) {
    MoveFtrl(i, rate, g, square);
  } else {  // SGD, mini-batch.
    w -= rate * g;
  }
}

void ReferenceLearner::MoveFtrl(size_t i, double rate, double g, double square) {
  const auto& ftrl = std::get<Ftrl::Options>(spec_.optimizer);
  const bool is_intercept = i + 1 == weights_.size();
  const double alpha =
      is_intercept ? spec_.linear.intercept_learning_rate : spec_.linear.learning_rate;
  const bool is_regularized = !is_intercept || spec_.linear.regularize_intercept;
  const double l1 = is_regularized ? spec_.linear.l1 : 0;
  const double l2 = is_regularized ? spec_.linear.l2 : 0;
  double& n = squares_[i];
  double& w = weights_[i];
  const double sigma = (std::sqrt(n + square) - std::sqrt(n)) / alpha;
  pulls_[i] += rate / alpha * g - sigma * w;
  n += square;
  const double z = pulls_[i];
  if (std::abs(z) <= l1) {
    w = 0;
  } else {
    w = -(z - (z > 0 ? l1 : -l1)) / (l2 + (ftrl.beta + std::sqrt(n)) / alpha);
  }
}

}  // namespace freshet
