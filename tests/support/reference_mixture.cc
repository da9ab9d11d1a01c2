#include "tests/support/reference_mixture.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <variant>

// Names are those of the papers.
// NOLINTBEGIN(readability-identifier-naming)
namespace freshet {
namespace {

double Logit(double p) { return std::log(p / (1 - p)); }
double Sigmoid(double s) { return 1 / (1 + std::exp(-s)); }

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

ReferenceMixture::ReferenceMixture(const LearnerSpec& spec, size_t feature_count)
    : spec_(spec),
      is_first_(std::get<AutoOptions>(spec.optimizer).rules == AutoRules::kFirst),
      loss_{.kind = spec.loss, .tau = spec.quantile_tau},
      is_scaled_(spec.loss == LossKind::kSquared || spec.loss == LossKind::kQuantile),
      offset_(spec.linear.intercept ? spec.linear.initial_intercept : 0) {
  const auto& options = std::get<AutoOptions>(spec.optimizer);
  if (options.adagrad) members_.emplace_back("adagrad");
  if (options.fading_adagrad) members_.emplace_back("fading");
  if (options.coin) members_.emplace_back("coin");
  if (options.newton) members_.emplace_back("newton");
  if (options.slow_sgd) members_.emplace_back("slow");
  if (options.fast_sgd) members_.emplace_back("fast");
  const Vector zeros(feature_count + 1, 0);
  const size_t count = members_.size();
  w_.assign(count, zeros);
  G_.assign(count, zeros);
  z_ = W_ = zeros;
  scales_.resize(feature_count + 1);
  P_.assign(feature_count + 1, 1);
  const size_t context = spec.linear.intercept ? 4 : 0;
  for (const double noise : {1e-7, 2e-3}) {
    if (!options.mixers) break;
    Mixer mixer{noise, Vector(count + context, 0), {}};
    for (size_t i = 0; i < count; ++i) mixer.v[i] = 1.0 / static_cast<double>(count);
    mixer.P.assign(count + context, Vector(count + context, 0));
    for (size_t i = 0; i < count + context; ++i) {
      const double of_members = (is_first_ ? 0.3 : 0.45) / 6;
      mixer.P[i][i] = i < count ? of_members : is_first_ ? 0.1 : 0.4;
    }
    mixers_.push_back(mixer);
  }
  has_base_ = !is_first_ && options.base_rate && spec.linear.intercept;
  for (const std::string& name : members_) {
    const bool is_strong = name == "newton" || name == "fading" || name == "adagrad";
    const double second = name == "newton" ? 2 : name == "fading" ? 1 : is_strong ? 0.5 : 0.2;
    shares_.push_back(is_first_ ? 1 : second);
  }
  for (size_t i = 0; i < mixers_.size(); ++i) shares_.push_back(is_first_ || i == 0 ? 1 : 0.2);
  if (has_base_) shares_.push_back(0.6);
  const double sum = std::accumulate(shares_.begin(), shares_.end(), 0.0);
  for (double& share : shares_) share /= sum;
  first_shares_ = shares_;
  if (IsBinary(spec.loss)) trend_.assign(3, 0.5);
}

std::vector<ReferenceMixture::Entry> ReferenceMixture::EntriesOf(
    const StreamExample& example) const {
  std::vector<Entry> entries;
  for (const StreamFeature& feature : example.features) {
    entries.push_back({feature.id, feature.value});
  }
  if (spec_.linear.intercept) entries.push_back({scales_.size() - 1, 1});
  return entries;
}

// The value as a share of the feature's scale, in [-1, 1].
double ReferenceMixture::Share(const Entry& entry) const {
  return entry.x / std::max(scales_[entry.id].scale, std::abs(entry.x));
}

void ReferenceMixture::ObserveSize(double size, Scale& s) const {
  if (is_first_) {
    s.scale = std::max(s.scale, size);
    return;
  }
  if (size == s.mean) return;
  if (s.scale == 0) {
    s = {size, size, 0, 1};
    return;
  }
  const double most = 4 * s.mean;
  if (size > s.scale) {
    const bool is_near = size <= 4 * s.scale || size <= most;
    s.scale = is_near ? size : std::max(s.scale, std::min(1.25 * s.scale, most));
  }
  s.recent = std::max(s.recent, std::min(size, s.scale));
  s.count += 1;
  s.mean += (std::min(size, most) - s.mean) / std::min(s.count, 256);
  for (int check = 16; check <= 2048; check *= 2) {
    if (s.count != check) continue;
    if (4 * s.recent < s.scale) {
      s.scale = s.recent;
      s.mean = std::min(s.mean, s.recent);
    }
    s.recent = 0;
    if (check == 2048) s.count = 1024;
    break;
  }
}

// The score of the best constant for the labels so far, in standardized units.
double ReferenceMixture::BaseRate() const {
  if (base_weight_ == 0) return offset_;
  const double first = first_weight_;
  const double count = base_weight_ + first;
  switch (spec_.loss) {
    case LossKind::kLogistic:
      return Logit((base_sum_ + first * Sigmoid(offset_)) / count);
    case LossKind::kHinge:
      return 2 * base_sum_ > base_weight_ ? 1 : -1;
    case LossKind::kPoisson:
      return std::log((base_sum_ + first * std::exp(offset_)) / count);
    case LossKind::kQuantile:
      return (quantile_ - center_) / (deviation_ > 0 ? deviation_ : 1);
    case LossKind::kSquared:
    default:  // No reference covers the losses of vw_loss.h.
      break;
  }
  return 0;
}

void ReferenceMixture::ObserveWeight(double h) {
  relative_ = judged_ = h;
  if (is_first_) return;
  const double kept = 1 - 1e-4;
  weight_sum_ = kept * weight_sum_ + h;
  weight_square_sum_ = kept * weight_square_sum_ + h * h;
  relative_ = h * weight_sum_ / weight_square_sum_;
  recent_weight_ = std::max(kept * recent_weight_, h);
  if (h > largest_weight_) {
    Vector shares;
    for (size_t i = 0; i < shares_.size(); ++i) {
      const double power = largest_weight_ / h;
      shares.push_back(first_shares_[i] * std::pow(shares_[i] / first_shares_[i], power));
    }
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (size_t i = 0; i < shares_.size(); ++i) shares_[i] = shares[i] / sum;
    largest_weight_ = h;
  } else if (recent_weight_ < largest_weight_ / 2) {
    largest_weight_ = recent_weight_;
  }
  judged_ = h / largest_weight_;
}

double ReferenceMixture::Clip(double score) const { return loss_.Clip(score, labels_); }

// A score in the units of the labels, converted to the standardized units in which members learn.
double ReferenceMixture::Inside(double score) const {
  const double scale = deviation_ > 0 ? deviation_ : 1;
  return (Clip(score) - center_) / scale;
}

ReferenceMixture::Vector ReferenceMixture::Trend() const {
  if (trend_.empty()) return {0, 0, 0};
  Vector scores;
  for (const double mean : trend_) {
    switch (spec_.loss) {
      case LossKind::kLogistic:
        scores.push_back(Logit(std::clamp(mean, 1e-4, 1 - 1e-4)));
        break;
      case LossKind::kHinge:
        scores.push_back(2 * mean - 1);
        break;
      case LossKind::kPoisson:
        scores.push_back(std::log(std::max(mean, 1e-4)));
        break;
      default:
        scores.push_back((mean - center_) / (deviation_ > 0 ? deviation_ : 1));
    }
  }
  return scores;
}

ReferenceMixture::Scored ReferenceMixture::Score(const std::vector<Entry>& entries) const {
  const double scale = deviation_ > 0 ? deviation_ : 1;
  Scored scored;
  for (const Vector& w : w_) {
    double sum = 0;
    for (const Entry& entry : entries) sum += w[entry.id] * Share(entry);
    scored.parts.push_back(Inside(center_ + offset_ + scale * sum));
  }
  scored.inputs = scored.parts;
  if (spec_.linear.intercept) {
    scored.inputs.push_back(1);
    for (const double score : Trend()) scored.inputs.push_back(score);
  }
  for (const Mixer& mixer : mixers_) {
    scored.parts.push_back(Inside(center_ + scale * Dot(mixer.v, scored.inputs)));
  }
  if (has_base_) scored.parts.push_back(Inside(center_ + scale * BaseRate()));
  double mean = 0;
  for (size_t i = 0; i < shares_.size(); ++i) {
    const double score = scored.parts[i];
    mean += shares_[i] * (spec_.loss == LossKind::kLogistic ? Sigmoid(score) : score);
  }
  scored.inside = mean;
  scored.score = spec_.loss == LossKind::kLogistic ? Logit(mean) : Clip(center_ + scale * mean);
  return scored;
}

double ReferenceMixture::Learn(const StreamExample& example) {
  const std::vector<Entry> entries = EntriesOf(example);
  const Scored scored = Score(entries);
  if (example.weight == 0) return scored.score;
  if (is_scaled_) ObserveLabel(example.label, example.weight);
  ObserveWeight(example.weight);
  const double h = relative_;
  labels_.push_back(example.label);
  const double y =
      is_scaled_ ? (example.label - center_) / (deviation_ > 0 ? deviation_ : 1) : example.label;
  LearnShares(scored, y);
  for (size_t i = 0; i < mixers_.size(); ++i) {
    LearnMixer(scored.inputs, scored.parts[members_.size() + i], y, h, mixers_[i]);
  }
  for (const Entry& entry : entries) norm_sum_ += h * std::pow(Share(entry), 2);
  norm_weight_ += h;
  for (size_t i = 0; i < members_.size(); ++i) {
    LearnMember(members_[i], i, entries, scored.parts[i], y, h);
  }
  for (const Entry& entry : entries) ObserveSize(std::abs(entry.x), scales_[entry.id]);
  const double label = IsBinary(spec_.loss) ? (example.label > 0 ? 1 : 0) : example.label;
  if (base_weight_ == 0) {
    first_weight_ = example.weight;
    quantile_ = label;
  }
  base_weight_ += example.weight;
  base_sum_ += example.weight * label;
  const double rate = 3 * example.weight / (base_weight_ + 10 * first_weight_);
  const double step = rate * (deviation_ > 0 ? deviation_ : 1) * -loss_.Gradient(quantile_, label);
  quantile_ += std::clamp(step, -std::abs(label - quantile_), std::abs(label - quantile_));
  if (trend_.empty()) trend_.assign(3, label);
  const double rates[] = {0.3, 0.03, 0.003};
  for (size_t i = 0; i < 3; ++i) {
    trend_[i] = label + std::pow(1 - rates[i], h) * (trend_[i] - label);
  }
  return scored.score;
}

void ReferenceMixture::ObserveLabel(double label, double h) {
  const double distance = labels_.empty() ? 0 : label - center_;
  label_weight_ += h;
  center_ = labels_.empty() ? label : center_ + h / label_weight_ * distance;
  deviation_ += h / label_weight_ * (std::abs(distance) - deviation_);
}

// The unit of losses: 1 if exp(-loss) is a likelihood.
double ReferenceMixture::JudgingUnit(const Vector& losses) {
  const bool is_poisson = spec_.loss == LossKind::kPoisson;
  if (spec_.loss == LossKind::kLogistic || (is_poisson && is_first_)) return 1;
  double unit = 2 * ((is_poisson ? 5 : 10) + loss_sum_) / (10 + loss_weight_);
  if (is_poisson) unit = std::max(unit, 1.0);
  if (is_first_ || spec_.loss == LossKind::kHinge) return unit;
  const double gap = Dot(shares_, losses) - *std::min_element(losses.begin(), losses.end());
  gap_ = std::max((1 - 1e-4) * gap_, judged_ * gap);
  return std::max(unit, gap_);
}

void ReferenceMixture::LearnShares(const Scored& scored, double y) {
  const double h = relative_;
  Vector losses;
  for (const double score : scored.parts) losses.push_back(loss_.Value(score, y));
  const double unit = JudgingUnit(losses);
  const double least = *std::min_element(losses.begin(), losses.end());
  const bool is_absolute = is_first_ && spec_.loss == LossKind::kLogistic;
  double sum = 0;
  for (size_t i = 0; i < shares_.size(); ++i) {
    const double excess = losses[i] - (is_absolute ? 0 : least);
    shares_[i] *= std::max(std::exp(-judged_ * excess / unit), 1e-9);
    sum += shares_[i];
  }
  const double a = std::get<AutoOptions>(spec_.optimizer).share;
  for (double& share : shares_) {
    share = (1 - a) * share / sum + a / static_cast<double>(shares_.size());
  }
  const double kept = h == 1 ? 1 - 1e-4 : std::exp(-h * 1e-4);
  loss_sum_ = kept * loss_sum_ + h * loss_.Value(scored.inside, y);
  loss_weight_ = kept * loss_weight_ + h;

  newton_lags_ = false;
  recent_losses_.resize(members_.size(), 0);
  for (size_t i = 0; i < members_.size(); ++i) {
    const double recent = h == 1 ? 1 - 1.0 / 256 : std::exp(-h / 256);
    recent_losses_[i] = losses[i] + recent * (recent_losses_[i] - losses[i]);
  }
  const double best = *std::min_element(recent_losses_.begin(), recent_losses_.end());
  for (size_t i = 0; i < members_.size(); ++i) {
    if (members_[i] == "newton") newton_lags_ = recent_losses_[i] > 1.25 * best;
  }
}

double ReferenceMixture::Curvature(double score, double y) const {
  switch (spec_.loss) {
    case LossKind::kLogistic:
      return Sigmoid(score) * (1 - Sigmoid(score));
    case LossKind::kSquared:
      return 2;
    case LossKind::kPoisson:
      return std::exp(score);
    case LossKind::kHinge:
    case LossKind::kQuantile:
    default:  // No reference covers the losses of vw_loss.h.
      break;
  }
  return std::pow(loss_.Gradient(score, y), 2);
}

void ReferenceMixture::LearnMixer(const Vector& z, double score, double y, double h, Mixer& mixer) {
  Vector along;
  for (const Vector& row : mixer.P) along.push_back(Dot(row, z));
  const double sensitivity = Dot(along, z);
  const double u = loss_.ImportanceStep(score, y, h, sensitivity);
  const double k = h * Curvature(score, y);
  for (size_t i = 0; i < z.size(); ++i) {
    mixer.v[i] += u * along[i];
    for (size_t j = 0; j < z.size(); ++j) {
      mixer.P[i][j] -= k / (1 + k * sensitivity) * along[i] * along[j];
    }
    if (mixer.P[i][i] < 10) mixer.P[i][i] += mixer.noise;
  }
}

void ReferenceMixture::LearnMember(const std::string& name, size_t index,
                                   const std::vector<Entry>& entries, double score, double y,
                                   double h) {
  const double g = h * loss_.Gradient(score, y);
  double norm = 0;
  double spread = 0;
  for (const Entry& entry : entries) {
    norm += std::pow(Share(entry), 2);
    spread += P_[entry.id] * std::pow(Share(entry), 2);
  }
  double u = 0;
  if (name == "newton") u = loss_.ImportanceStep(score, y, h, spread);
  if (name == "slow") u = loss_.ImportanceStep(score, y, 0.02 * h, norm);
  if (name == "fast") u = loss_.ImportanceStep(score, y, 0.1 * h, norm);
  if (name == "coin") {
    if (!is_first_) largest_gradient_ = std::max(0.999 * largest_gradient_, 1.0);
    largest_gradient_ = std::max(largest_gradient_, std::abs(g));
  }
  const double c = is_first_ ? 1 : std::sqrt(norm_weight_ / norm_sum_);
  Vector r;
  double paces = 0;
  for (const Entry& entry : entries) {
    const double v = Share(entry);
    r.push_back(1 / std::sqrt(0.999 * G_[index][entry.id] + mean_square_ * v * v));
    paces += r.back() * v * v;
  }
  if (name == "fading" && !is_first_) {
    const double rate = 0.6 * c + (2 - 0.6 * c) * (squares_ - 1) / (squares_ - 1 + 200000);
    u = loss_.ImportanceStep(score, y, rate * h, paces);
    squares_ += 1;
    mean_square_ += (g * g - mean_square_) / std::min(squares_, 1000.0);
  }
  size_t place = 0;
  for (const Entry& entry : entries) {
    const double v = Share(entry);
    double& w = w_[index][entry.id];
    double& G = G_[index][entry.id];
    const double pace = r[place++];
    if (name == "fading" && !is_first_) {
      G = 0.999 * G + g * v * g * v;
      w += u * pace * v;
    } else if (name == "adagrad" || name == "fading") {
      G = (name == "fading" ? 0.999 : 1) * G + g * v * g * v;
      const double rate = name == "fading" ? 1 : is_first_ ? 0.2 : 0.8;
      w -= rate * c * g * v / (1 + std::sqrt(G));
    } else if (name == "coin") {
      const double bet = g / largest_gradient_ * v;
      z_[entry.id] -= bet;
      G += std::abs(bet);
      W_[entry.id] -= bet * w;
      w = (0.5 + W_[entry.id]) * z_[entry.id] / (1 + G);
    } else if (name == "newton") {
      double& P = P_[entry.id];
      const double k = h * Curvature(score, y);
      w += u * P * v;
      P = 1 - (newton_lags_ ? 0.98 : 1) * (1 - P) - k / (1 + k * spread) * P * v * P * v;
    } else {
      w += u * v;
    }
  }
}

double ReferenceMixture::weight(size_t feature) const {
  std::vector<Entry> entries = EntriesOf({});
  const double without = Score(entries).score;
  entries.push_back({feature, 1});
  return Score(entries).score - without;
}

double ReferenceMixture::intercept() const { return Score(EntriesOf({})).score; }

}  // namespace freshet
// NOLINTEND(readability-identifier-naming)
