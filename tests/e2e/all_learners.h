// Learners for tests that must hold for every optimizer.

#ifndef FRESHET_TESTS_E2E_ALL_LEARNERS_H_
#define FRESHET_TESTS_E2E_ALL_LEARNERS_H_

#include <vector>

#include "freshet/v1/learner.pb.h"

namespace freshet {

// Every optimizer, each with a schedule that has state or counts steps. The first nine belong to
// the models of tests/data/golden/data_v1, so new ones go to the end.
inline std::vector<v1::LearnerSpec> AllLearners() {
  std::vector<v1::LearnerSpec> learners(9);
  for (v1::LearnerSpec& learner : learners) {
    learner.set_loss(v1::LOSS_LOGISTIC);
    learner.set_bits(12);
    learner.set_learning_rate(0.05);
    learner.set_l2(1e-4);
    learner.set_gradient_clip(0.7);
  }
  learners[0].mutable_sgd();
  learners[0].mutable_plateau()->set_window(300);
  learners[0].mutable_plateau()->set_patience(1);
  learners[1].mutable_minibatch()->set_examples(77);
  learners[1].mutable_inverse_power()->set_t0(100);
  learners[2].mutable_momentum();
  learners[2].mutable_exponential()->set_decay_steps(1000);
  learners[3].mutable_nesterov();
  learners[3].mutable_step()->set_decay_steps(700);
  learners[4].mutable_adagrad();
  learners[4].mutable_plateau()->set_window(500);
  learners[5].mutable_rmsprop();
  learners[5].mutable_inverse_power();
  learners[6].mutable_adam();
  learners[6].mutable_exponential();
  learners[7].set_loss(v1::LOSS_SQUARED);
  learners[7].mutable_sgd();
  learners[8].set_loss(v1::LOSS_SQUARED);
  learners[8].mutable_adagrad();
  const auto add = [&](v1::Loss loss) -> v1::LearnerSpec& {
    v1::LearnerSpec& learner = learners.emplace_back();
    learner.set_loss(loss);
    learner.set_bits(12);
    return learner;
  };
  v1::LearnerSpec& ftrl = add(v1::LOSS_LOGISTIC);
  ftrl.mutable_ftrl();
  ftrl.set_l1(0.5);
  ftrl.mutable_exponential()->set_decay_steps(1000);
  ftrl.set_gradient_clip(0.7);
  ftrl.set_l2(0.1);
  add(v1::LOSS_LOGISTIC).mutable_nag();
  v1::LearnerSpec& powered = add(v1::LOSS_SQUARED);
  powered.mutable_nag()->set_power(0.3);
  powered.mutable_plateau()->set_window(500);
  powered.set_l1(1e-4);
  powered.set_l2(0.01);
  add(v1::LOSS_HINGE).mutable_nag()->set_adaptive(false);
  add(v1::LOSS_POISSON).mutable_nag()->set_normalized(false);
  add(v1::LOSS_LOGISTIC).mutable_coin();
  v1::LearnerSpec& quantile = add(v1::LOSS_QUANTILE);
  quantile.mutable_coin()->set_beta(0.5);
  quantile.set_quantile_tau(0.8);
  v1::FeatureSpec& features = *add(v1::LOSS_LOGISTIC).mutable_features();
  for (const char* name : {"user", "*"}) {
    if (features.interactions_size() == 0) features.add_interactions();
    features.mutable_interactions(0)->add_namespaces(name);
  }
  v1::NumericTransform& numeric = *features.add_numerics();
  numeric.set_namespace_("x");
  numeric.set_kind(v1::NumericTransform::KIND_QUANTILE_BINS);
  v1::Ngrams& ngrams = *features.add_ngrams();
  ngrams.set_namespace_("x");
  ngrams.set_length(2);
  v1::LearnerSpec& standardized = learners.emplace_back(learners.back());
  standardized.mutable_features()->mutable_numerics(0)->set_kind(
      v1::NumericTransform::KIND_STANDARDIZE);
  v1::LearnerSpec& bounded = add(v1::LOSS_LOGISTIC);
  bounded.mutable_minibatch();
  bounded.mutable_features()->set_admit_after(2);
  bounded.mutable_features()->set_expire_after_examples(1000);
  add(v1::LOSS_LOGISTIC).mutable_auto_();
  v1::LearnerSpec& mixture = add(v1::LOSS_SQUARED);
  mixture.mutable_auto_()->set_coin(false);
  mixture.mutable_auto_()->set_share(0.01);
  return learners;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_E2E_ALL_LEARNERS_H_
