// The mixture of the learner `auto`: makes one prediction of those of its members.

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
#include "core/optimizer/bounds.h"
#include "core/optimizer/ensemble.h"

namespace freshet {

// Two levels. Below, mixers (mixer.h) that take the scores of the members, a constant and the trend
// of the labels: one whose weights hardly wander, one whose weights follow quickly. Above, a share
// for each part, members and mixers alike, which grows with how likely the part held each label:
//
//   share_k *= likelihood_k;  share_k = (1 - a) share_k / sum + a / parts
//
// For logistic loss the likelihood is the probability of the label, and the prediction the mean of
// the probabilities by share. So the loss is never more than ln(parts) above that of the best part
// over the whole stream, and a change of the best part is followed. For Poisson loss the likelihood
// is exp(-loss); for the other losses exp(-loss / (2 mean loss)), and the prediction the mean
// score.
//
// Where the Newton member has lately lost clearly more than the best member, what it believes is
// out of date: `Lesson::newton_lags` then has it forget a little with every example.
//
// Where labels are numbers of any size, everything inside is in units of their spread: a score s
// here means the score center + scale s outside.
//
// Sources: M. Herbster, M. Warmuth. Tracking the Best Expert. Machine Learning 32, 1998. V. Vovk.
// A Game of Prediction with Expert Advice. JCSS 56, 1998.
//
// Threads: one writer may call the non-const methods and SaveState(), while readers call Shared(),
// Predict() with what it returned, and Parts().
template <LossFunction Loss>
class Mixture {
 public:
  static constexpr size_t kMemberCount = Ensemble::kMemberCount;
  static constexpr size_t kMixerCount = 2;
  static constexpr size_t kPartCount = kMemberCount + kMixerCount;
  static constexpr size_t kInputCount = kMemberCount + 1 + LabelTrend::kCount;

  using PartNumbers = std::array<double, kPartCount>;
  using MixerOf = Mixer<kInputCount>;
  using MixerVector = typename MixerOf::Vector;

  // What a prediction depends on beside the members.
  struct View {
    PartNumbers shares;
    std::array<MixerVector, kMixerCount> mixer_weights;
    std::array<double, kInputCount - kMemberCount> context;  // 1, trend of labels.
    double center;
    double scale;
    PartNumbers losses;  // Decaying means.
  };

  struct Prediction {
    MixerVector inputs;
    PartNumbers scores;
    PartNumbers positive;  // Logistic loss: probabilities of the labels.
    PartNumbers negative;
    double inside;  // The mixture's score; other losses than the logistic.
    float score;    // The same, as it is outside.
  };

  // What members learn from an example, each at its own score.
  struct Lesson {
    float label;
    PartNumbers gradients;
    PartNumbers curvatures;
    // Importance-aware steps, times the importance weight: of those members that take them, then of
    // the mixers. See loss.h.
    std::array<double, 4 + kMixerCount> steps;
    bool newton_lags;  // Other members have done clearly better of late.
  };
  enum Step : uint8_t { kNewtonStep, kSlowStep, kFastStep, kMixerSteps };

  Mixture(const Loss& loss, const AutoOptions& options, bool has_intercept, double offset);

  const View& own_view() const { return view_; }
  View Shared() const { return shared_.Load(); }

  // `sums` are the members' scores before the offset.
  void Predict(const View& view, const std::array<float, kMemberCount>& sums,
               Prediction& prediction) const;

  // Learns from an example of weight > 0 that was predicted with own_view(). `sums` are those of
  // its features.
  Lesson Learn(const Prediction& prediction, float label, double weight,
               const Ensemble::Sums& sums);

  // Lets readers see what was learned.
  void Publish() { shared_.Store(view_); }

  bool has(size_t part) const { return is_part_[part]; }

  std::vector<MixturePart> Parts() const;

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS where the bytes do not fit. REQUIRES: nothing has been learned.
  absl::Status LoadState(StateReader& reader);

 private:
  static constexpr bool kIsLogistic = Loss::kKind == LossKind::kLogistic;
  static constexpr bool kIsScaled =
      Loss::kKind == LossKind::kSquared || Loss::kKind == LossKind::kQuantile;
  static constexpr double kMaxScore = 1e6;  // In units of the scale of labels.
  static constexpr double kMinLikelihood = 1e-9;
  static constexpr double kFirstLossWeight = 10;  // Of the mean loss 1 that is taken for granted.
  static constexpr double kMaxLoss = 1e100;
  // Losses look back over about this many examples, as those of ProgressiveMetrics do.
  static constexpr double kDecayExampleCount = 10000;

  // Where Newton's loss over about the last kRecentExampleCount examples is above kLag times that
  // of the best member, it lags.
  static constexpr double kRecentExampleCount = 256;
  static constexpr double kLag = 1.25;

  static constexpr std::array<double, kMixerCount> kNoises = {1e-7, 2e-3};
  static constexpr double kMemberVariance = 0.3;  // Of a mixer's weights, over all members.
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
  void LearnMixers(const Prediction& prediction, double weight, const Ensemble::Sums& sums,
                   Lesson& lesson);
  void UpdateShares(const PartNumbers& likelihoods);
  // `label` is inside.
  void CountLosses(const Prediction& prediction, float label, const PartNumbers& losses,
                   double weight);
  bool NewtonLags(const PartNumbers& losses, double weight);
  void UpdateContext();

  // A loss outside for one inside.
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
  double mixture_loss_ = 0;  // Decaying mean, inside.
  double loss_weight_ = 0;   // What the decaying means are over.

  // Written by the writer, read by readers.
  LabelRange range_;
  SharedNumbers<View> shared_;
};

}  // namespace freshet

#include "core/model/mixture_inl.h"

#endif  // FRESHET_CORE_MODEL_MIXTURE_H_
