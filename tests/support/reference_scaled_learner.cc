#include "tests/support/reference_scaled_learner.h"

#include <algorithm>
#include <cmath>
#include <variant>

// Names are those of the papers.
// NOLINTBEGIN(readability-identifier-naming)
namespace freshet {

ReferenceScaledLearner::ReferenceScaledLearner(const LearnerSpec& spec, size_t feature_count)
    : spec_(spec),
      loss_{.kind = spec.loss, .tau = spec.quantile_tau},
      schedule_(spec.schedule),
      features_(feature_count + 1) {
  if (!spec_.linear.intercept) return;
  const bool is_nag = std::holds_alternative<NagOptions>(spec_.optimizer);
  (is_nag ? features_.back().w : offset_) = spec_.linear.initial_intercept;
}

std::vector<ReferenceScaledLearner::Entry> ReferenceScaledLearner::EntriesOf(
    const StreamExample& example) const {
  std::vector<Entry> entries;
  for (const StreamFeature& feature : example.features) {
    entries.push_back({feature.id, feature.value});
  }
  if (spec_.linear.intercept) entries.push_back({features_.size() - 1, 1});
  return entries;
}

double ReferenceScaledLearner::Learn(const StreamExample& example) {
  const std::vector<Entry> entries = EntriesOf(example);
  const double score = Score(entries);
  if (example.weight == 0) return score;
  labels_.push_back(example.label);
  if (std::holds_alternative<NagOptions>(spec_.optimizer)) {
    LearnNag(entries, score, example.label, example.weight);
  } else {
    LearnCoin(entries, score, example.label, example.weight);
  }
  ++steps_;
  schedule_.Observe(loss_.Value(score, example.label), example.weight);
  return score;
}

double ReferenceScaledLearner::weight(size_t feature) const {
  std::vector<Entry> entries = EntriesOf({});
  const double without = Score(entries);
  entries.push_back({feature, 1});
  return Score(entries) - without;
}

double ReferenceScaledLearner::intercept() const { return Score(EntriesOf({})); }

double ReferenceScaledLearner::Score(const std::vector<Entry>& entries) const {
  double sum = 0;
  double norm = 0;
  for (const auto& [id, x] : entries) {
    const Feature& f = features_[id];
    const double X = std::max(f.X, std::abs(x));
    sum +=
        (std::holds_alternative<NagOptions>(spec_.optimizer) ? NagWeight(id) : CoinWeight(f, X)) *
        x;
    norm += x * x / (X * X);
  }
  if (std::holds_alternative<NagOptions>(spec_.optimizer)) return Clip(sum);
  return offset_ + sum / ((N_ + norm + 1e-6) / (T_ + 1));
}

// Whether l1 and l2 apply to the weight. NAG stores such a weight as it was before regularization;
// NagWeight() applies it.
bool ReferenceScaledLearner::IsRegularized(size_t id) const {
  const bool is_intercept = id + 1 == features_.size();
  return !is_intercept || spec_.linear.regularize_intercept;
}

double ReferenceScaledLearner::NagWeight(size_t id) const {
  const double w = features_[id].w;
  if (!IsRegularized(id)) return w;
  return contraction_ * std::copysign(std::max(std::abs(w) - gravity_, 0.0), w);
}

double ReferenceScaledLearner::Clip(double score) const { return loss_.Clip(score, labels_); }

void ReferenceScaledLearner::LearnNag(const std::vector<Entry>& entries, double s, double y,
                                      double h) {
  const auto& options = std::get<NagOptions>(spec_.optimizer);
  const double p = options.adaptive ? options.power : 0;
  const double g = loss_.Gradient(s, y);
  if (h * g * g < 1e-30) return;
  std::vector<double> r(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& [id, x] = entries[i];
    Feature& f = features_[id];
    if (options.adaptive) f.G += h * g * g * x * x;
    if (options.normalized && std::abs(x) > f.s) {
      if (f.s > 0) f.w *= std::pow(f.s / std::abs(x), 2 * (1 - p));
      f.s = std::abs(x);
    }
    r[i] = options.adaptive ? std::pow(f.G, -p) : 1;
    if (options.normalized) {
      r[i] *= std::pow(f.s * f.s, p - 1);
      N_ += h * x * x / (f.s * f.s);
    }
    if (id + 1 == features_.size()) {
      r[i] *= spec_.linear.intercept_learning_rate / spec_.linear.learning_rate;
    }
  }
  T_ += h;
  const double c = options.normalized ? std::pow(N_ / T_, p - 1) : 1;
  double P = 0;
  for (size_t i = 0; i < entries.size(); ++i) P += c * entries[i].x * entries[i].x * r[i];
  const double eta = spec_.linear.learning_rate * schedule_.Share(steps_);
  const double u = options.invariant ? loss_.ImportanceStep(s, y, eta * h, P) : -g * eta * h;
  if (std::abs(u) > 1e-8 && std::abs(g) > 1e-8) {
    contraction_ *= 1 + spec_.linear.l2 * u / g;
    gravity_ -= spec_.linear.l1 * u / g;
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    const double part = u * c * r[i] * entries[i].x;
    features_[entries[i].id].w += IsRegularized(entries[i].id) ? part / contraction_ : part;
  }
}

double ReferenceScaledLearner::CoinWeight(const Feature& f, double X) const {
  const auto& options = std::get<Coin::Options>(spec_.optimizer);
  if (f.M == 0) return 0;
  return (options.alpha + f.W) * f.z / (f.M * X * (f.M * X + f.A));
}

void ReferenceScaledLearner::LearnCoin(const std::vector<Entry>& entries, double s, double y,
                                       double h) {
  const auto& options = std::get<Coin::Options>(spec_.optimizer);
  const double g = h * loss_.Gradient(s, y);
  for (const auto& [id, x] : entries) {
    Feature& f = features_[id];
    f.X = std::max(f.X, std::abs(x));
    N_ += h * x * x / (f.X * f.X);
    if (std::abs(g) > f.M) f.M = std::max(std::abs(g), options.beta);
    const double w = CoinWeight(f, f.X);
    f.z -= g * x;
    f.A += std::abs(g * x);
    f.W -= g * x * w;
  }
  T_ += h;
}

}  // namespace freshet
// NOLINTEND(readability-identifier-naming)
