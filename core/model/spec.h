// The options from which a learner is made. v1.LearnerSpec documents their ranges; the code that
// fills in a spec has checked them.

#ifndef FRESHET_CORE_MODEL_SPEC_H_
#define FRESHET_CORE_MODEL_SPEC_H_

#include <variant>

#include "core/feature/feature_options.h"
#include "core/loss/loss_kind.h"
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

struct LearnerSpec {
  LossKind loss = LossKind::kLogistic;
  double quantile_tau = 0.5;  // In (0, 1): the quantile to learn, for LossKind::kQuantile.
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  LinearOptions linear;
  FeatureOptions features;  // Empty: features are learned exactly as they were sent.
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_SPEC_H_
