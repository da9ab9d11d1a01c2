// The mixture of the learner `auto`: combines the predictions of its members into one.

#ifndef FRESHET_CORE_MODEL_MIXTURE_H_
#define FRESHET_CORE_MODEL_MIXTURE_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "core/base/portable_math.h"
#include "core/base/state.h"
#include "core/loss/loss.h"
#include "core/model/label_base.h"
#include "core/model/label_range.h"
#include "core/model/label_scale.h"
#include "core/model/label_trend.h"
#include "core/model/learner.h"
#include "core/model/mixer.h"
#include "core/model/shared_numbers.h"
#include "core/model/weight_unit.h"
#include "core/optimizer/auto_members.h"
#include "core/optimizer/bounds.h"

namespace freshet {

// There are two levels. The lower level consists of mixers (mixer.h), whose inputs are the scores
// of the members, a constant, and the trend of the labels. The weights of one mixer hardly drift,
// those of the other follow quickly. On the upper level each part has a share: the members, the
// mixers, and the base rate (label_base.h), so that the mixture is hardly worse than a constant
// where there is nothing to learn. A share grows with the likelihood that the part gave to each
// label:
//
//   share_k *= likelihood_k;  share_k = (1 - a) share_k / sum + a / parts
//
// For logistic loss, the likelihood is the probability of the label, and the prediction is the mean
// of the probabilities, weighted by share. So over the whole stream the loss is at most -ln of the
// best part's first share above that of the best part, and the mixture follows when
// another part becomes the best. For the other losses the likelihood is exp(-loss / unit), and the
// prediction is the mean score, weighted by share. The unit is twice the mean loss, for Poisson
// loss at least 1. If losses are not bounded, the unit is also at least the largest gap lately
// between the mean loss of the parts, weighted by share, and the least, so that no outlier decides
// alone. An importance weight, as a share of the largest (weight_unit.h), is the power to which the
// likelihood of its example is raised: the bound above holds only for powers up to 1. No example
// counts more than kMinLikelihood against a part, relative to the part that did best on it.
//
// The first shares favour the parts that learn fast: at first they decide, and following the best
// part costs the least if that part had a large share from the start.
//
// If the Newton member has recently had a clearly larger loss than the best member, its belief is
// out of date. `Lesson::newton_lags` then makes it forget a little with every example.
//
// If labels are numbers of any size, everything inside the mixture is in units of their spread: a
// score s inside means the score center + scale * s outside.
//
// Models of earlier versions (AutoRules::kFirst) have equal first shares, no base rate, weights as
// they come, for logistic loss likelihoods that are cut off whatever those of the other parts are,
// and units that are 1 for Poisson loss and twice the mean loss for the others.
//
// Sources: M. Herbster, M. Warmuth. Tracking the Best Expert. Machine Learning 32, 1998. V. Vovk.
// A Game of Prediction with Expert Advice. JCSS 56, 1998.
//
// Threads: one writer may call the non-const methods and SaveState(), while readers call Shared(),
// Predict() with the view that Shared() returned, and Parts().
template <LossFunction Loss>
class Mixture {
 public:
  static constexpr size_t kMemberCount = AutoMembersBase::kMemberCount;
  static constexpr size_t kMixerCount = 2;
  static constexpr size_t kBaseRate = kMemberCount + kMixerCount;
  static constexpr size_t kPartCount = kBaseRate + 1;
  static constexpr size_t kInputCount = kMemberCount + 1 + LabelTrend::kCount;

  using PartNumbers = std::array<double, kPartCount>;
  using MixerOf = Mixer<kInputCount>;
  using MixerVector = typename MixerOf::Vector;

  // What a prediction depends on, besides the members' scores.
  struct View {
    PartNumbers shares;
    std::array<MixerVector, kMixerCount> mixer_weights;
    std::array<double, kInputCount - kMemberCount> context;  // 1, then the trend of the labels.
    double base_rate;                                        // The score of the part of this name.
    double center;
    double scale;
    PartNumbers losses;  // Decaying mean losses.
  };

  struct Prediction {
    MixerVector inputs;
    PartNumbers scores;
    PartNumbers positive;  // Only for logistic loss: the probability of each label.
    PartNumbers negative;
    double inside;  // The mixture's score inside; only for losses other than logistic.
    float score;    // The mixture's score outside.
  };

  // What members learn from an example, each at its own score.
  struct Lesson {
    float label;
    PartNumbers gradients;
    PartNumbers curvatures;
    // Importance-aware steps (see loss.h) for the importance weight: first those of the members
    // that use them, then those of the mixers.
    std::array<double, 4 + kMixerCount> steps;
    bool newton_lags;  // The best member has recently done clearly better than Newton.
  };
  enum Step : uint8_t { kNewtonStep, kSlowStep, kFastStep, kFadedStep, kMixerSteps };

  // How far a step of each member moves its score (see loss.h), and how much the example counts.
  struct Example {
    float label;
    double weight;                // As it came; > 0.
    WeightUnit::Counted counted;  // Under the first rules, both weights are as it came.
    double spread;                // For Newton.
    double norm;                  // For SGD.
    double pace;                  // For fading AdaGrad; 0 under the first rules, like the next one.
    double fading_rate;
  };

  Mixture(const Loss& loss, const AutoOptions& options, bool has_intercept, double offset);

  const View& own_view() const { return view_; }
  View Shared() const { return shared_.Load(); }

  // `sums` are the members' scores before the offset.
  void Predict(const View& view, const std::array<float, kMemberCount>& sums,
               Prediction& prediction) const;

  // Learns from an example that was predicted with own_view().
  Lesson Learn(const Prediction& prediction, const Example& example);

  // Makes what was learned visible to readers.
  void Publish() { shared_.Store(view_); }

  bool has(size_t part) const { return is_part_[part]; }

  std::vector<MixturePart> Parts() const;

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS if the saved state is invalid. REQUIRES: nothing has been learned.
  absl::Status LoadState(StateReader& reader);

 private:
  static constexpr bool kIsLogistic = Loss::kKind == LossKind::kLogistic;
  static constexpr bool kIsScaled =
      Loss::kKind == LossKind::kSquared || Loss::kKind == LossKind::kQuantile;
  static constexpr double kMaxScore = 1e6;  // In units of the scale of labels.
  static constexpr double kMinLikelihood = 1e-9;
  static constexpr double kFirstLossWeight = 10;  // The weight of a prior mean loss of 1.
  static constexpr double kMaxLoss = 1e100;
  // Losses look back over about this many examples, like those of ProgressiveMetrics.
  static constexpr double kDecayExampleCount = 10000;

  // Newton lags if its loss over about the last kRecentExampleCount examples is more than kLag
  // times that of the best member.
  static constexpr double kRecentExampleCount = 256;
  static constexpr double kLag = 1.25;

  static constexpr std::array<double, kMixerCount> kNoises = {1e-7, 2e-3};
  // What a mixture begins with.
  struct Beginning {
    PartNumbers shares;  // To be divided by their sum, over the parts that there are.
    // The variance of a mixer's weights: summed over all members, and for each other input.
    double member_variance;
    double context_variance;
  };
  static constexpr Beginning kFirstBeginning = {{1, 1, 1, 1, 1, 1, 1, 1, 0}, 0.3, 0.1};
  static constexpr Beginning kSecondBeginning = {
      {0.5, 1, 0.2, 2, 0.2, 0.2, 1, 0.2, 0.6}, 0.45, 0.4};

  static constexpr std::array<std::string_view, kPartCount> kNames = {
      "adagrad",  "fading_adagrad", "coin",         "newton",   "slow_sgd",
      "fast_sgd", "steady_mixer",   "nimble_mixer", "base_rate"};

  static MixerVector Variances(const AutoOptions& options, bool has_intercept);

  double Inside(const View& view, double score) const {
    if constexpr (!kIsScaled) return range_.Clip(static_cast<float>(score));
    const float clipped = range_.Clip(static_cast<float>(view.center + view.scale * score));
    return std::min(std::max((clipped - view.center) / view.scale, -kMaxScore), kMaxScore);
  }

  static const Beginning& BeginningOf(AutoRules rules) {
    return rules == AutoRules::kFirst ? kFirstBeginning : kSecondBeginning;
  }

  // The number of parts in saved states.
  size_t saved_parts() const { return rules_ == AutoRules::kFirst ? kBaseRate : kPartCount; }
  void SaveParts(const PartNumbers& numbers, StateWriter& writer) const {
    for (size_t i = 0; i < saved_parts(); ++i) writer.WriteValue(numbers[i]);
  }
  PartNumbers LoadParts(StateReader& reader) const {
    PartNumbers numbers{};
    for (size_t i = 0; i < saved_parts(); ++i) numbers[i] = reader.ReadValue<double>();
    return numbers;
  }

  // Sets likelihoods up to a common factor.
  void Judge(const Prediction& prediction, double weight, Lesson& lesson, PartNumbers& losses,
             PartNumbers& likelihoods);
  // The unit in which losses other than the logistic one are judged. `gap` is how far the parts'
  // mean loss on an example is above the least loss, times its weight.
  double JudgingUnit(double gap);
  void LearnMixers(const Prediction& prediction, const Example& example, Lesson& lesson);
  void UpdateShares(const PartNumbers& likelihoods);
  // Makes the shares what they would be if everything so far had counted `kept` times as much.
  void Temper(double kept);

  // The largest of the parts' numbers.
  double Largest(const PartNumbers& numbers) const {
    double largest = 0;
    for (size_t i = 0; i < kPartCount; ++i) {
      if (is_part_[i]) largest = std::max(largest, numbers[i]);
    }
    return largest;
  }
  // `label` is in inside units.
  void CountLosses(const Prediction& prediction, float label, const PartNumbers& losses,
                   double weight);
  bool NewtonLags(const PartNumbers& losses, double weight);
  void UpdateContext();

  // The factor from a loss inside to the loss outside.
  double LossUnit() const {
    if constexpr (Loss::kKind == LossKind::kSquared) return view_.scale * view_.scale;
    return kIsScaled ? view_.scale : 1;
  }

  // Constant after construction.
  const Loss loss_;
  std::array<bool, kPartCount> is_part_;
  double part_count_;
  const bool has_mixers_;
  const bool has_intercept_;
  const double share_;
  const double offset_;
  PartNumbers first_shares_{};
  const AutoRules rules_;

  // Owned by the writer.
  View view_{};
  std::array<MixerOf, kMixerCount> mixers_;
  LabelScale scale_;
  LabelTrend trend_;
  LabelBase<Loss> base_;
  std::array<double, kMemberCount> recent_losses_{};
  double gap_ = 0;           // The largest lately between the parts' mean loss and the least loss.
  double mixture_loss_ = 0;  // Decaying mean, in inside units.
  double loss_weight_ = 0;   // The decayed sum of weights that the decaying means are over.

  // Written by the writer, read by readers.
  LabelRange range_;
  SharedNumbers<View> shared_;
};

}  // namespace freshet

#include "core/model/mixture_inl.h"

#endif  // FRESHET_CORE_MODEL_MIXTURE_H_
