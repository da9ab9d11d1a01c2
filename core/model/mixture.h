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
#include "core/model/label_range.h"
#include "core/model/label_scale.h"
#include "core/model/label_trend.h"
#include "core/model/learner.h"
#include "core/model/mixer.h"
#include "core/model/shared_numbers.h"
#include "core/optimizer/auto_members.h"
#include "core/optimizer/bounds.h"

namespace freshet {

// There are two levels. The lower level consists of mixers (mixer.h), whose inputs are the scores
// of the members, a constant, and the trend of the labels. The weights of one mixer hardly drift,
// those of the other follow quickly. On the upper level each part, member or mixer, has a share,
// which grows with the likelihood that the part gave to each label:
//
//   share_k *= likelihood_k;  share_k = (1 - a) share_k / sum + a / parts
//
// For logistic loss, the likelihood is the probability of the label, and the prediction is the mean
// of the probabilities, weighted by share. So over the whole stream the loss is never more than
// ln(parts) above that of the best part, and the mixture follows when another part becomes the
// best. For Poisson loss the likelihood is exp(-loss), and for the other losses exp(-loss / (2 mean
// loss)); for all of these the prediction is the mean score, weighted by share.
//
// If the Newton member has recently had a clearly larger loss than the best member, its belief is
// out of date. `Lesson::newton_lags` then makes it forget a little with every example.
//
// If labels are numbers of any size, everything inside the mixture is in units of their spread: a
// score s inside means the score center + scale * s outside.
//
// Sources: M. Herbster, M. Warmuth. Tracking the Best Expert. Machine Learning 32, 1998. V. Vovk.
// A Game of Prediction with Expert Advice. JCSS 56, 1998.
//
// Threads: one writer may call the non-const methods and SaveState(), while readers call Shared(),
// Predict() with the view that Shared() returned, and Parts().
template <LossFunction Loss>
class Mixture {
 public:
  static constexpr size_t kMemberCount = AutoMembers::kMemberCount;
  static constexpr size_t kMixerCount = 2;
  static constexpr size_t kPartCount = kMemberCount + kMixerCount;
  static constexpr size_t kInputCount = kMemberCount + 1 + LabelTrend::kCount;

  using PartNumbers = std::array<double, kPartCount>;
  using MixerOf = Mixer<kInputCount>;
  using MixerVector = typename MixerOf::Vector;

  // What a prediction depends on, besides the members' scores.
  struct View {
    PartNumbers shares;
    std::array<MixerVector, kMixerCount> mixer_weights;
    std::array<double, kInputCount - kMemberCount> context;  // 1, then the trend of the labels.
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
  enum Step : uint8_t { kNewtonStep, kSlowStep, kFastStep, kMixerSteps };

  Mixture(const Loss& loss, const AutoOptions& options, bool has_intercept, double offset);

  const View& own_view() const { return view_; }
  View Shared() const { return shared_.Load(); }

  // `sums` are the members' scores before the offset.
  void Predict(const View& view, const std::array<float, kMemberCount>& sums,
               Prediction& prediction) const;

  // Learns from an example of weight > 0 that was predicted with own_view(). `sums` are the sums
  // over its features.
  Lesson Learn(const Prediction& prediction, float label, double weight,
               const AutoMembers::Sums& sums);

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
  // The initial variance of a mixer's weights: summed over all members, and for each other input.
  static constexpr double kMemberVariance = 0.3;
  static constexpr double kContextVariance = 0.1;

  static constexpr std::array<std::string_view, kPartCount> kNames = {
      "adagrad",  "fading_adagrad", "coin",         "newton",
      "slow_sgd", "fast_sgd",       "steady_mixer", "nimble_mixer"};

  static MixerVector Variances(const AutoOptions& options, bool has_intercept);

  double Inside(const View& view, double score) const {
    if constexpr (!kIsScaled) return range_.Clip(static_cast<float>(score));
    const float clipped = range_.Clip(static_cast<float>(view.center + view.scale * score));
    return std::min(std::max((clipped - view.center) / view.scale, -kMaxScore), kMaxScore);
  }

  void Judge(const Prediction& prediction, double weight, Lesson& lesson, PartNumbers& losses,
             PartNumbers& likelihoods) const;
  void LearnMixers(const Prediction& prediction, double weight, const AutoMembers::Sums& sums,
                   Lesson& lesson);
  void UpdateShares(const PartNumbers& likelihoods);
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

  // Owned by the writer.
  View view_{};
  std::array<MixerOf, kMixerCount> mixers_;
  LabelScale scale_;
  LabelTrend trend_;
  std::array<double, kMemberCount> recent_losses_{};
  double mixture_loss_ = 0;  // Decaying mean, in inside units.
  double loss_weight_ = 0;   // The decayed sum of weights that the decaying means are over.

  // Written by the writer, read by readers.
  LabelRange range_;
  SharedNumbers<View> shared_;
};

}  // namespace freshet

#include "core/model/mixture_inl.h"

#endif  // FRESHET_CORE_MODEL_MIXTURE_H_
