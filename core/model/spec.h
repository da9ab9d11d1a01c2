// The options from which a learner is made. v1.LearnerSpec documents their ranges; the code that
// fills in a spec has checked them.

#ifndef FRESHET_CORE_MODEL_SPEC_H_
#define FRESHET_CORE_MODEL_SPEC_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "core/feature/feature_options.h"
#include "core/loss/loss_kind.h"
#include "core/loss/vw_loss.h"
#include "core/model/prediction_range.h"
#include "core/optimizer/adagrad.h"
#include "core/optimizer/adam.h"
#include "core/optimizer/auto_members.h"
#include "core/optimizer/coin.h"
#include "core/optimizer/ftrl.h"
#include "core/optimizer/minibatch.h"
#include "core/optimizer/momentum.h"
#include "core/optimizer/nag.h"
#include "core/optimizer/nesterov.h"
#include "core/optimizer/rmsprop.h"
#include "core/optimizer/schedule.h"
#include "core/optimizer/sgd.h"
#include "core/optimizer/vw_descent.h"

namespace freshet {

using OptimizerOptions =
    std::variant<AdaGrad::Options, Sgd::Options, MiniBatch::Options, Momentum::Options,
                 Nesterov::Options, RmsProp::Options, Adam::Options, Ftrl::Options, NagOptions,
                 Coin::Options, AutoOptions>;

// The options that all optimizers share.
struct LinearOptions {
  double learning_rate = AdaGrad::kDefaultLearningRate;  // In (0, 1000].
  double l1 = 0;                                         // In [0, 1e12].
  double l2 = 0;                                         // In [0, 1000]; learning_rate * l2 < 1.
  double gradient_clip = 0;                              // >= 0; 0 is off.
  bool intercept = true;
  double intercept_learning_rate = AdaGrad::kDefaultLearningRate;  // In [0, 1000].
  double initial_intercept = 0;                                    // In [-100, 100].
  bool regularize_intercept = false;
  int bits = 22;  // In [10, 30]: the weight table has 2^bits slots.
};

// The version of what nag, ftrl, coin and sgd do with labels and weights. A model keeps its version
// for life.
enum class LinearRules : uint8_t {
  // Of these, only nag clips scores: to the range of the labels before the example. Schedules count
  // examples.
  kFirst = 1,
  // All clip scores, and the range begins at [0, 0] and takes in the label of the example itself;
  // see prediction_range.h. Schedules count importance weights, those of the example included. Coin
  // betting divides by a mean norm in which the example has its own weight.
  kSecond = 2,
};
inline constexpr LinearRules kNewestLinearRules = LinearRules::kSecond;

// What a model needs in addition to give the same numbers as Vowpal Wabbit.
struct VwOptions {
  VwLossOptions loss;        // Takes the place of LearnerSpec::loss.
  VwDescentOptions descent;  // Takes the place of nag's options.
  PredictionRange::Bounds bounds;
  double constant = 0;   // The weight with which the constant feature begins.
  double sparse_l2 = 0;  // >= 0
};

struct LearnerSpec {
  LossKind loss = LossKind::kLogistic;
  double quantile_tau = 0.5;  // In (0, 1): the quantile to learn, for LossKind::kQuantile.
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  LinearOptions linear;
  LinearRules rules = LinearRules::kFirst;  // For nag, ftrl, coin and sgd.
  std::optional<VwOptions> vw = {};         // Set: the optimizer is one of these four.
  FeatureOptions features;  // Empty: features are learned exactly as they were sent.
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_SPEC_H_
