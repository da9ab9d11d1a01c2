// The learner `auto`: a mixture of six different linear models, which needs no tuning. Its members
// are in core/optimizer/auto_members.h, and how they are combined into one prediction is in
// core/model/mixture.h.

#ifndef FRESHET_CORE_MODEL_AUTO_LEARNER_H_
#define FRESHET_CORE_MODEL_AUTO_LEARNER_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/loss/loss.h"
#include "core/model/example_row.h"
#include "core/model/learner.h"
#include "core/model/linear_explanation.h"
#include "core/model/mean_norm.h"
#include "core/model/mixture.h"
#include "core/model/prefetcher.h"
#include "core/model/spec.h"
#include "core/model/table_learner.h"
#include "core/model/weight_table.h"
#include "core/model/weight_unit.h"
#include "core/optimizer/auto_members.h"
#include "core/optimizer/bounds.h"

namespace freshet {

// The intercept is a feature of value 1; the initial intercept is added to the score of every
// member. Learning rates, schedules, l1, l2 and clipping do not apply.
//
// Each example takes two passes over its slots: the first computes the scores of all members, and
// the second steps all members once the mixture has judged each of them. The mixture that readers
// see is at most kPublishRows rows old, and newer at the start of a stream, when it changes fast.
template <LossFunction Loss, AutoRules rules>
class AutoLearner final : public TableLearner<AutoLearner<Loss, rules>, Loss, AutoMembers<rules>> {
  using Members = AutoMembers<rules>;

 public:
  using Slot = typename Members::Slot;

  std::vector<MixturePart> Mixture() const override { return mixture_.Parts(); }

  // The weight of a slot is what a feature of value 1 adds to the score of an example without
  // features.
  void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const override {
    const typename MixtureOf::View view = ReadView();
    Sums nothing;
    AddIntercept(nothing);
    const float intercept = ScoreOf(view, nothing);
    this->ReadSlots(first_slot, weights, [&](const Slot& slot) {
      return TableWeight{.weight = WeightOf(view, slot, nothing, intercept)};
    });
  }

  // A feature's contribution is the average of two numbers: what it adds to the score of the
  // features before it, and what it adds to that of the features after it. If features interact
  // only in pairs, each gets half of the joint effect (the Shapley value).
  Explanation Explain(const ExampleBatch& batch, size_t index) const override {
    return ExplainRowOf(batch, index, [&](const auto& row) { return ExplainRow(row); });
  }

  void SaveState(StateWriter& writer) const override {
    this->SaveSlots(writer, 0);
    writer.WriteValue(gradient_size_);
    if constexpr (!Members::kIsFirst) {
      writer.WriteValue(fading_square_);
      weight_unit_.SaveState(writer);
      mean_norm_.SaveState(writer);
    }
    mixture_.SaveState(writer);
  }
  absl::Status LoadState(StateReader& reader) override;

 private:
  using Base = TableLearner<AutoLearner, Loss, Members>;
  friend Base;
  using Base::intercept_;
  using Base::loss_;
  using Base::options_;
  using Base::steps_taken_;
  using Base::table_;
  using Sums = typename Members::Sums;
  using Step = typename Members::Step;
  using MixtureOf = freshet::Mixture<Loss>;

  static constexpr bool kHasWidePath = true;
  static constexpr size_t kPublishRows = 64;
  // Every one of the first rows is published.
  static constexpr uint64_t kFirstRows = 1024;
  // e looks back over about this many examples.
  static constexpr double kSquareExampleCount = 1000;
  static constexpr double kFirstSquare = 0.25;
  static constexpr double kSizeKept = 0.999;  // Of the largest |g|, after each example.
  // Keeps c finite for examples without features.
  static constexpr double kMinMeanNorm = 1e-6;

  AutoLearner(const Loss& loss, const AutoOptions& options, const LearnerSpec& spec,
              WeightTable<Slot> table)
      : Base(loss, options, spec, std::move(table)),
        mixture_(loss, options, spec.linear.intercept, this->offset_) {}

  static std::array<float, Members::kMemberCount> MemberSums(const Sums& sums) {
    std::array<float, Members::kMemberCount> result;
    for (size_t i = 0; i < result.size(); ++i) result[i] = sums.Of(i);
    return result;
  }
  static bool IsFinite(const std::array<float, Members::kMemberCount>& sums) {
    return std::all_of(sums.begin(), sums.end(), [](float sum) { return std::isfinite(sum); });
  }

  // The sums over a row. load(i) returns the slot of feature i; take(i, slot, v) receives that slot
  // and the feature's v.
  template <typename Row, typename Load, typename Take>
  static Sums SumsOf(const Row& row, const Slot* intercept, const Load& load, const Take& take) {
    Sums even;
    Sums odd;
    const auto add = [&](size_t i, Sums& sums) {
      const float x = row.Value(i);
      const Slot& slot = load(i);
      take(i, slot, sums.Add(slot, x, Members::SizeOf(x)));
    };
    size_t i = 0;
    for (; i + 2 <= row.size; i += 2) {
      add(i, even);
      add(i + 1, odd);
    }
    if (i < row.size) add(i, even);
    if (intercept != nullptr) odd.Add(*intercept, 1, 1);
    even.Add(odd);
    return even;
  }
  static constexpr auto kTakeNothing = [](size_t, const Slot&, float) {};

  typename MixtureOf::View ReadView() const { return mixture_.Shared(); }
  void EndBatch() { Publish(); }

  // Makes the current mixture visible to readers.
  void Publish() {
    mixture_.Publish();
    unpublished_rows_ = 0;
  }

  // The sums over a row that is to be learned. Sets values_ and paces_.
  template <typename Row>
  Sums TakeValues(const Row& row, const Slot& intercept) {
    if (row.size + 4 > values_.size()) {
      values_.resize(row.size + 4);
      paces_.resize(row.size + 4);
    }
    const Sums sums = SumsOf(
        row, options_.intercept ? &intercept : nullptr,
        [&](size_t i) { return table_.LoadOwn(table_.IndexOf(row.ids[i])); },
        [&](size_t i, const Slot& slot, float v) {
          values_[i] = v;
          if constexpr (!Members::kIsFirst) paces_[i] = slot.sums[1];
        });
    if (options_.intercept) {
      values_[row.size] = 1;
      paces_[row.size] = intercept.sums[1];
    }
    return sums;
  }

  // Returns the score before the update.
  template <typename Row>
  float LearnRow(const Row& row, float label, float weight, Prefetcher<Slot>& ahead) {
    if (++unpublished_rows_ == kPublishRows || this->steps_taken() < kFirstRows) Publish();
    Slot intercept = intercept_.LoadOwn();
    const Sums sums = TakeValues(row, intercept);
    ahead.FetchPart();
    const auto member_sums = MemberSums(sums);
    if (!IsFinite(member_sums)) {
      if (weight != 0) this->CountSkipped();
      return 0;
    }
    typename MixtureOf::Prediction prediction;
    mixture_.Predict(mixture_.own_view(), member_sums, prediction);
    if (weight == 0) return prediction.score;
    const float gradient = std::abs(loss_.Gradient(prediction.score, label));
    // False for NaN too: see bounds.h.
    if (!(gradient * std::max(weight, 1.0f) <= kMaxGradient) || !(row.MaxAbsValue() <= kMaxValue)) {
      this->CountSkipped();
      return prediction.score;
    }
    typename MixtureOf::Example example{.label = label,
                                        .weight = weight,
                                        .counted = {.relative = weight, .share = weight, .kept = 1},
                                        .spread = sums.spread(),
                                        .norm = sums.norm(),
                                        .pace = 0,
                                        .fading_rate = 0};
    double factor = 1;
    if constexpr (!Members::kIsFirst) {
      example.counted = weight_unit_.Count(weight);
      factor = CountNorm(example);
      example.pace =
          Members::ToPaces(row.size + (options_.intercept ? 1 : 0),
                           static_cast<float>(fading_square_), values_.data(), paces_.data());
      example.fading_rate = Members::FadingRate(factor, static_cast<double>(this->steps_taken()));
    }
    const auto lesson = mixture_.Learn(prediction, example);
    ahead.FetchPart();
    Move(row, Step(PartsOf(lesson, example, factor)), intercept);
    steps_taken_.store(this->steps_taken() + 1, std::memory_order_relaxed);
    return prediction.score;
  }

  // Counts the norm of an example; returns c.
  double CountNorm(const typename MixtureOf::Example& example) {
    mean_norm_.Set(mean_norm_.With(example.norm, example.counted.relative));
    const MeanNorm::Sums& sums = mean_norm_.sums();
    return std::sqrt(sums.weight / std::max(sums.norm, sums.weight * kMinMeanNorm));
  }

  typename Step::Parts PartsOf(const typename MixtureOf::Lesson& lesson,
                               const typename MixtureOf::Example& example, double factor) {
    const auto bounded = [](double number) {
      return std::min(std::max(number, -1.0 * kMaxGradient), 1.0 * kMaxGradient);
    };
    const auto gradient_of = [&](AutoMembersBase::Member member) {
      return bounded(example.counted.relative * lesson.gradients[member]);
    };
    typename Step::Parts step;
    step.factor = static_cast<float>(factor);
    if (mixture_.has(Members::kAdaGrad)) {
      step.adagrad = static_cast<float>(gradient_of(Members::kAdaGrad));
    }
    if (mixture_.has(Members::kFadingAdaGrad)) {
      const double gradient = gradient_of(Members::kFadingAdaGrad);
      step.fading = static_cast<float>(gradient);
      if constexpr (!Members::kIsFirst) {
        step.faded = static_cast<float>(bounded(lesson.steps[MixtureOf::kFadedStep]));
        CountSquare(gradient);
      }
    }
    if (mixture_.has(Members::kCoin)) {
      const double gradient = gradient_of(Members::kCoin);
      if constexpr (!Members::kIsFirst) gradient_size_ = std::max(kSizeKept * gradient_size_, 1.0);
      gradient_size_ = std::max(gradient_size_, std::abs(gradient));
      step.coin = static_cast<float>(gradient / gradient_size_);
    }
    if (mixture_.has(Members::kNewton)) {
      step.newton = static_cast<float>(bounded(lesson.steps[MixtureOf::kNewtonStep]));
      const double curvature = example.counted.relative * lesson.curvatures[Members::kNewton];
      if (lesson.newton_lags) step.keep = Members::kNewtonKeep;
      step.shrink = static_cast<float>(curvature / (1 + curvature * example.spread));
    }
    if (mixture_.has(Members::kSlowSgd)) {
      step.slow = static_cast<float>(bounded(lesson.steps[MixtureOf::kSlowStep]));
    }
    if (mixture_.has(Members::kFastSgd)) {
      step.fast = static_cast<float>(bounded(lesson.steps[MixtureOf::kFastStep]));
    }
    return step;
  }

  // Adds g^2 to e, which begins as if there had been one example before the first.
  void CountSquare(double gradient) {
    const double count = static_cast<double>(this->steps_taken()) + 2;
    fading_square_ += (gradient * gradient - fading_square_) / std::min(count, kSquareExampleCount);
  }

  template <typename Row>
  void Move(const Row& row, const Step step, Slot& intercept) {
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = table_.IndexOf(row.ids[i]);
      Slot slot = table_.LoadOwn(index);
      step.Apply(values_[i], paces_[i], Members::SizeOf(row.Value(i)), slot);
      table_.Store(index, slot);
    }
    if (options_.intercept) {
      step.Apply(1, paces_[row.size], 1, intercept);
      intercept_.Store(intercept);
    }
  }

  // The score for the sums over an example, or 0 if a sum is not finite.
  float ScoreOf(const typename MixtureOf::View& view, const Sums& example_sums) const {
    const auto sums = MemberSums(example_sums);
    if (!IsFinite(sums)) return 0;
    typename MixtureOf::Prediction prediction;
    mixture_.Predict(view, sums, prediction);
    return prediction.score;
  }

  template <typename Row>
  float PredictRow(const Row& row, const HashedSlots<Slot>& slots,
                   const typename MixtureOf::View& view) const {
    const Slot intercept = intercept_.Load();
    return ScoreOf(
        view, SumsOf(
                  row, options_.intercept ? &intercept : nullptr,
                  [&](size_t i) { return slots.Load(slots.IndexOf(row.ids[i])); }, kTakeNothing));
  }

  // Adds the intercept, as a reader loads it.
  void AddIntercept(Sums& sums) const {
    if (options_.intercept) sums.Add(intercept_.Load(), 1, 1);
  }

  // The score of an example with only this feature, of value 1, less `intercept`. `nothing` holds
  // the sums of an example without features, and `intercept` is its score.
  float WeightOf(const typename MixtureOf::View& view, const Slot& slot, const Sums& nothing,
                 float intercept) const {
    Sums sums;
    sums.Add(slot, 1, 1);
    sums.Add(nothing);
    return ScoreOf(view, sums) - intercept;
  }

  template <typename Row>
  Explanation ExplainRow(const Row& row) const {
    const typename MixtureOf::View view = ReadView();
    // Each slot is read only once, so that the score and its explanation are consistent.
    std::vector<Slot> slots;
    slots.reserve(row.size);
    const auto reading = table_.Read();
    for (size_t i = 0; i < row.size; ++i) slots.push_back(reading.Load(row.ids[i]));
    const Slot intercept = intercept_.Load();
    Sums nothing;
    if (options_.intercept) nothing.Add(intercept, 1, 1);
    const float score_of_nothing = ScoreOf(view, nothing);
    const auto add = [&](size_t i, Sums& sums) {
      sums.Add(slots[i], row.Value(i), Members::SizeOf(row.Value(i)));
    };

    Explanation explanation;
    explanation.score = ScoreOf(view, SumsOf(
                                          row, options_.intercept ? &intercept : nullptr,
                                          [&](size_t i) { return slots[i]; }, kTakeNothing));
    explanation.contributions.resize(row.size);
    Sums sums = nothing;
    float score = score_of_nothing;
    for (size_t i = 0; i < row.size; ++i) {
      add(i, sums);
      const float score_before = std::exchange(score, ScoreOf(view, sums));
      explanation.contributions[i] = {
          .feature_id = row.ids[i],
          .value = row.Value(i),
          .weight = {.weight = WeightOf(view, slots[i], nothing, score_of_nothing)},
          .contribution = 1.0 * score - score_before};
    }
    sums = nothing;
    score = score_of_nothing;
    for (size_t i = row.size; i-- > 0;) {
      add(i, sums);
      const float score_behind = std::exchange(score, ScoreOf(view, sums));
      double& contribution = explanation.contributions[i].contribution;
      contribution = (contribution + (1.0 * score - score_behind)) / 2;
    }
    explanation.intercept = explanation.score;
    for (const Contribution& feature : explanation.contributions) {
      explanation.intercept -= feature.contribution;
    }
    return explanation;
  }

  // Written by the writer, read by readers.
  MixtureOf mixture_;

  // Owned by the writer.
  double gradient_size_ = 1;  // At least 1: the largest |g| of coin betting, lately.
  // Not used under the first rules:
  double fading_square_ = kFirstSquare;  // The e of fading AdaGrad.
  WeightUnit weight_unit_;
  MeanNorm mean_norm_;
  // Of the features of one example, then of its intercept: v, and F or r of fading AdaGrad.
  std::vector<float> values_;
  std::vector<float> paces_;
  size_t unpublished_rows_ = 0;
};

template <LossFunction Loss, AutoRules rules>
absl::Status AutoLearner<Loss, rules>::LoadState(StateReader& reader) {
  uint32_t window_count = 0;
  absl::Status status = this->LoadSlots(reader, 0, &window_count);
  if (!status.ok()) return status;
  gradient_size_ = reader.ReadValue<double>();
  if (!reader.status().ok()) return reader.status();
  if (!(gradient_size_ >= 1 && gradient_size_ <= kMaxGradient)) {
    return reader.Damaged("the largest gradient of the learner is out of range");
  }
  if constexpr (!Members::kIsFirst) {
    fading_square_ = reader.ReadValue<double>();
    if (!reader.status().ok()) return reader.status();
    if (!(fading_square_ >= 0 && fading_square_ <= 1.0 * kMaxGradient * kMaxGradient)) {
      return reader.Damaged("the mean square of a gradient of the learner is out of range");
    }
    status = weight_unit_.LoadState(reader);
    if (status.ok()) status = mean_norm_.LoadState(reader);
    if (!status.ok()) return status;
  }
  return mixture_.LoadState(reader);
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_AUTO_LEARNER_H_
