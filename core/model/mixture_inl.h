// The definitions of Mixture's methods. Only mixture.h includes this file.

#ifndef FRESHET_CORE_MODEL_MIXTURE_INL_H_
#define FRESHET_CORE_MODEL_MIXTURE_INL_H_

#include "core/model/mixture.h"

namespace freshet {

template <LossFunction Loss>
typename Mixture<Loss>::MixerVector Mixture<Loss>::Variances(const AutoOptions& options,
                                                             bool has_intercept) {
  const Beginning& beginning = BeginningOf(options.rules);
  MixerVector variances;
  const bool is_member[] = {options.adagrad, options.fading_adagrad, options.coin,
                            options.newton,  options.slow_sgd,       options.fast_sgd};
  for (size_t i = 0; i < kMemberCount; ++i) {
    variances[i] = is_member[i] ? beginning.member_variance / kMemberCount : 0;
  }
  for (size_t i = kMemberCount; i < kInputCount; ++i) {
    variances[i] = has_intercept ? beginning.context_variance : 0;
  }
  return variances;
}

template <LossFunction Loss>
Mixture<Loss>::Mixture(const Loss& loss, const AutoOptions& options, bool has_intercept,
                       double offset)
    : loss_(loss),
      is_part_{options.adagrad,
               options.fading_adagrad,
               options.coin,
               options.newton,
               options.slow_sgd,
               options.fast_sgd,
               options.mixers,
               options.mixers,
               options.base_rate && has_intercept && options.rules != AutoRules::kFirst},
      part_count_(static_cast<double>(std::count(is_part_.begin(), is_part_.end(), true))),
      has_mixers_(options.mixers),
      has_intercept_(has_intercept),
      share_(options.share),
      offset_(offset),
      rules_(options.rules),
      mixers_{MixerOf(Variances(options, has_intercept), kNoises[0]),
              MixerOf(Variances(options, has_intercept), kNoises[1])},
      trend_(Loss::kKind),
      base_(loss, offset),
      range_(Loss::kScoreLimit),
      shared_(View{}) {
  const auto members =
      static_cast<double>(std::count(is_part_.begin(), is_part_.begin() + kMemberCount, true));
  const PartNumbers& first_shares = BeginningOf(options.rules).shares;
  double sum = 0;
  for (size_t i = 0; i < kPartCount; ++i) sum += is_part_[i] ? first_shares[i] : 0;
  for (size_t i = 0; i < kPartCount; ++i) view_.shares[i] = is_part_[i] ? first_shares[i] / sum : 0;
  first_shares_ = view_.shares;
  for (MixerVector& weights : view_.mixer_weights) {
    for (size_t i = 0; i < kMemberCount; ++i) weights[i] = is_part_[i] ? 1 / members : 0;
  }
  view_.scale = 1;
  UpdateContext();
  Publish();
}

template <LossFunction Loss>
void Mixture<Loss>::Predict(const View& view, const std::array<float, kMemberCount>& sums,
                            Prediction& prediction) const {
  const double offset = offset_ / view.scale;
  for (size_t i = 0; i < kMemberCount; ++i) {
    prediction.inputs[i] = is_part_[i] ? Inside(view, offset + sums[i]) : 0;
    prediction.scores[i] = prediction.inputs[i];
  }
  std::copy(view.context.begin(), view.context.end(), prediction.inputs.begin() + kMemberCount);
  for (size_t i = 0; i < kMixerCount; ++i) {
    const double score = MixerOf::Score(view.mixer_weights[i], prediction.inputs);
    prediction.scores[kMemberCount + i] = Inside(view, score);
  }
  prediction.scores[kBaseRate] = Inside(view, view.base_rate);
  if constexpr (kIsLogistic) {
    for (size_t i = 0; i < kPartCount; ++i) {
      const double ratio = Exp(-prediction.scores[i]);
      prediction.positive[i] = 1 / (1 + ratio);
      prediction.negative[i] = ratio * prediction.positive[i];
    }
    double positive = 0;
    double negative = 0;
    for (size_t i = 0; i < kPartCount; ++i) {
      positive += view.shares[i] * prediction.positive[i];
      negative += view.shares[i] * prediction.negative[i];
    }
    prediction.score = static_cast<float>(NaturalLog(positive / negative));
  } else {
    double score = 0;
    for (size_t i = 0; i < kPartCount; ++i) score += view.shares[i] * prediction.scores[i];
    prediction.inside = score;
    prediction.score = range_.Clip(static_cast<float>(view.center + view.scale * score));
  }
}

template <LossFunction Loss>
typename Mixture<Loss>::Lesson Mixture<Loss>::Learn(const Prediction& prediction,
                                                    const Example& example) {
  const float label = example.label;
  const double weight = example.counted.relative;
  range_.Observe(label);
  if constexpr (kIsScaled) {
    scale_.Observe(label, example.weight);
    view_.center = scale_.center();
    view_.scale = scale_.scale();
  }
  Lesson lesson;
  const double inside = (label - view_.center) / view_.scale;
  lesson.label = static_cast<float>(std::min(std::max(inside, -kMaxScore), kMaxScore));
  PartNumbers losses;
  PartNumbers likelihoods;
  if constexpr (!kIsScaled) lesson.label = label;
  if (example.counted.kept < 1) Temper(example.counted.kept);
  Judge(prediction, example.counted.share, lesson, losses, likelihoods);
  UpdateShares(likelihoods);
  CountLosses(prediction, lesson.label, losses, weight);
  lesson.newton_lags = NewtonLags(losses, weight);
  LearnMixers(prediction, example, lesson);
  trend_.Observe(label, weight);
  if (is_part_[kBaseRate]) base_.Observe(label, example.weight, view_.scale);
  UpdateContext();
  return lesson;
}

template <LossFunction Loss>
void Mixture<Loss>::LearnMixers(const Prediction& prediction, const Example& example,
                                Lesson& lesson) {
  constexpr size_t kStepCount = std::tuple_size_v<decltype(lesson.steps)>;
  const double weight = example.counted.relative;
  std::array<double, kStepCount> scores{prediction.scores[AutoMembersBase::kNewton],
                                        prediction.scores[AutoMembersBase::kSlowSgd],
                                        prediction.scores[AutoMembersBase::kFastSgd],
                                        prediction.scores[AutoMembersBase::kFadingAdaGrad]};
  std::array<double, kStepCount> rates{weight, AutoMembersBase::kSlowRate * weight,
                                       AutoMembersBase::kFastRate * weight,
                                       example.fading_rate * weight};
  std::array<double, kStepCount> sensitivities{example.spread, example.norm, example.norm,
                                               example.pace};
  std::array<typename MixerOf::Direction, kMixerCount> directions;
  for (size_t i = 0; has_mixers_ && i < kMixerCount; ++i) {
    directions[i] = mixers_[i].DirectionOf(prediction.inputs);
    scores[kMixerSteps + i] = prediction.scores[kMemberCount + i];
    rates[kMixerSteps + i] = weight;
    sensitivities[kMixerSteps + i] = directions[i].sensitivity;
  }
  for (size_t i = 0; i < kStepCount; ++i) {
    lesson.steps[i] = loss_.ImportanceStep(scores[i], lesson.label, rates[i], sensitivities[i]);
  }
  for (size_t i = 0; has_mixers_ && i < kMixerCount; ++i) {
    mixers_[i].Learn(directions[i], weight * lesson.curvatures[kMemberCount + i],
                     lesson.steps[kMixerSteps + i], view_.mixer_weights[i]);
  }
}

template <LossFunction Loss>
void Mixture<Loss>::Judge(const Prediction& prediction, double weight, Lesson& lesson,
                          PartNumbers& losses, PartNumbers& likelihoods) {
  if constexpr (kIsLogistic) {
    const bool is_positive = lesson.label > 0;
    const PartNumbers& right = is_positive ? prediction.positive : prediction.negative;
    const PartNumbers& wrong = is_positive ? prediction.negative : prediction.positive;
    const double sign = is_positive ? -1 : 1;
    for (size_t i = 0; i < kPartCount; ++i) {
      lesson.gradients[i] = sign * wrong[i];
      lesson.curvatures[i] = right[i] * wrong[i];
      losses[i] = -NaturalLog(right[i]);
      likelihoods[i] = right[i];
    }
    if (weight == 1) return;
    const double least = rules_ != AutoRules::kFirst ? -NaturalLog(Largest(right)) : 0;
    for (size_t i = 0; i < kPartCount; ++i) likelihoods[i] = Exp(-weight * (losses[i] - least));
  } else {
    for (size_t i = 0; i < kPartCount; ++i) {
      const double score = prediction.scores[i];
      lesson.gradients[i] = loss_.Gradient(static_cast<float>(score), lesson.label);
      lesson.curvatures[i] = loss_.Curvature(score, lesson.label);
      losses[i] = loss_.Value(score, lesson.label);
    }
    double mean = 0;
    double least = kMaxLoss;
    for (size_t i = 0; i < kPartCount; ++i) {
      if (is_part_[i]) least = std::min(least, losses[i]);
      mean += view_.shares[i] * std::min(losses[i], kMaxLoss);
    }
    const double unit = JudgingUnit(weight * std::max(mean - least, 0.0));
    for (size_t i = 0; i < kPartCount; ++i) {
      likelihoods[i] = Exp(std::min(-weight * (losses[i] - least) / unit, 0.0));
    }
  }
}

template <LossFunction Loss>
double Mixture<Loss>::JudgingUnit(double gap) {
  const bool is_first = rules_ == AutoRules::kFirst;
  constexpr bool kIsPoisson = Loss::kKind == LossKind::kPoisson;
  double unit = 1;
  if (!kIsPoisson || !is_first) {
    const double prior = kIsPoisson ? kFirstLossWeight / 2 : kFirstLossWeight;
    unit = 2 * (prior + loss_weight_ * mixture_loss_) / (kFirstLossWeight + loss_weight_);
    if (kIsPoisson) unit = std::max(unit, 1.0);
  }
  if (is_first || Loss::kKind == LossKind::kHinge) return unit;
  gap_ = std::max((1 - 1 / kDecayExampleCount) * gap_, gap);
  return std::max(unit, gap_);
}

template <LossFunction Loss>
void Mixture<Loss>::Temper(double kept) {
  double sum = 0;
  for (size_t i = 0; i < kPartCount; ++i) {
    if (!is_part_[i]) continue;
    view_.shares[i] = first_shares_[i] * Exp(kept * NaturalLog(view_.shares[i] / first_shares_[i]));
    sum += view_.shares[i];
  }
  for (double& share : view_.shares) share /= sum;
}

template <LossFunction Loss>
void Mixture<Loss>::UpdateShares(const PartNumbers& likelihoods) {
  const double least = kMinLikelihood * (rules_ != AutoRules::kFirst ? Largest(likelihoods) : 1);
  double sum = 0;
  for (size_t i = 0; i < kPartCount; ++i) {
    view_.shares[i] *= std::max(likelihoods[i], least);
    sum += view_.shares[i];
  }
  // If share_ is 0, a part could otherwise reach 0 and never recover.
  const double floor = std::max(share_ / part_count_, 1e-100);
  const double kept = (1 - share_) / sum;
  for (size_t i = 0; i < kPartCount; ++i) {
    view_.shares[i] = is_part_[i] ? kept * view_.shares[i] + floor : 0;
  }
}

template <LossFunction Loss>
void Mixture<Loss>::CountLosses(const Prediction& prediction, float label,
                                const PartNumbers& losses, double weight) {
  const double kept = weight == 1 ? 1 - 1 / kDecayExampleCount : Exp(-weight / kDecayExampleCount);
  loss_weight_ = kept * loss_weight_ + weight;
  const double step = weight / loss_weight_;
  const double unit = LossUnit();
  for (size_t i = 0; i < kPartCount; ++i) {
    view_.losses[i] += step * (std::min(unit * losses[i], kMaxLoss) - view_.losses[i]);
  }
  if (kIsLogistic) return;
  if (Loss::kKind != LossKind::kPoisson || rules_ != AutoRules::kFirst) {
    const double loss = std::min(loss_.Value(prediction.inside, label), kMaxLoss);
    mixture_loss_ += step * (loss - mixture_loss_);
  }
}

template <LossFunction Loss>
bool Mixture<Loss>::NewtonLags(const PartNumbers& losses, double weight) {
  const double kept =
      weight == 1 ? 1 - 1 / kRecentExampleCount : Exp(-weight / kRecentExampleCount);
  double best = kMaxLoss;
  for (size_t i = 0; i < kMemberCount; ++i) {
    const double loss = std::min(losses[i], kMaxLoss);
    recent_losses_[i] = loss + kept * (recent_losses_[i] - loss);
    if (is_part_[i]) best = std::min(best, recent_losses_[i]);
  }
  return recent_losses_[AutoMembersBase::kNewton] > kLag * best;
}

template <LossFunction Loss>
void Mixture<Loss>::UpdateContext() {
  view_.base_rate = base_.Score(view_.center, view_.scale);
  if (!has_intercept_) return;
  view_.context[0] = 1;
  trend_.Scores(view_.center, view_.scale, &view_.context[1]);
  for (double& number : view_.context) number = std::min(std::max(number, -kMaxScore), kMaxScore);
}

template <LossFunction Loss>
std::vector<MixturePart> Mixture<Loss>::Parts() const {
  const View view = Shared();
  std::vector<MixturePart> parts;
  for (size_t i = 0; i < kPartCount; ++i) {
    if (is_part_[i]) parts.push_back({kNames[i], view.shares[i], view.losses[i]});
  }
  return parts;
}

template <LossFunction Loss>
void Mixture<Loss>::SaveState(StateWriter& writer) const {
  SaveParts(view_.shares, writer);
  writer.WriteValue(view_.mixer_weights);
  SaveParts(view_.losses, writer);
  writer.WriteValue(recent_losses_);
  writer.WriteValue(mixture_loss_);
  writer.WriteValue(loss_weight_);
  for (const MixerOf& mixer : mixers_) mixer.SaveState(writer);
  scale_.SaveState(writer);
  trend_.SaveState(writer);
  range_.SaveState(writer);
  if (rules_ == AutoRules::kFirst) return;
  writer.WriteValue(gap_);
  base_.SaveState(writer);
}

template <LossFunction Loss>
absl::Status Mixture<Loss>::LoadState(StateReader& reader) {
  view_.shares = LoadParts(reader);
  view_.mixer_weights = reader.ReadValue<decltype(view_.mixer_weights)>();
  view_.losses = LoadParts(reader);
  recent_losses_ = reader.ReadValue<decltype(recent_losses_)>();
  mixture_loss_ = reader.ReadValue<double>();
  loss_weight_ = reader.ReadValue<double>();
  if (!reader.status().ok()) return reader.status();
  bool valid = mixture_loss_ >= 0 && mixture_loss_ <= kMaxLoss && loss_weight_ >= 0 &&
               loss_weight_ <= kMaxLoss;
  for (size_t i = 0; i < kPartCount; ++i) {
    const double share = view_.shares[i];
    valid &= is_part_[i] ? share > 0 && share <= 1 + 1e-6 : share == 0;
    valid &= view_.losses[i] >= 0 && view_.losses[i] <= kMaxLoss;
  }
  for (const double loss : recent_losses_) valid &= loss >= 0 && loss <= kMaxLoss;
  for (const MixerVector& weights : view_.mixer_weights) {
    for (const double weight : weights) valid &= std::abs(weight) <= MixerOf::kMaxWeight;
  }
  if (!valid) {
    return reader.Damaged(
        "the shares, weights or losses of the learner's mixture are out of range");
  }
  absl::Status status;
  for (MixerOf& mixer : mixers_) {
    if (status.ok()) status = mixer.LoadState(reader);
  }
  if (status.ok()) status = scale_.LoadState(reader);
  if (status.ok()) status = trend_.LoadState(reader);
  if (status.ok()) status = range_.LoadState(reader);
  if (status.ok() && rules_ != AutoRules::kFirst) {
    gap_ = reader.ReadValue<double>();
    if (reader.status().ok() && !(gap_ >= 0 && gap_ <= kMaxLoss * kMaxLoss)) {
      return reader.Damaged("the gap of losses of the learner's mixture is out of range");
    }
    status = base_.LoadState(reader);
  }
  if (!status.ok()) return status;
  if constexpr (kIsScaled) {
    view_.center = scale_.center();
    view_.scale = scale_.scale();
  }
  UpdateContext();
  Publish();
  return absl::OkStatus();
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_MIXTURE_INL_H_
