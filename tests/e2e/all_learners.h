#ifndef FRESHET_TESTS_E2E_ALL_LEARNERS_H_
#define FRESHET_TESTS_E2E_ALL_LEARNERS_H_

#include <vector>

#include "freshet/v1/learner.pb.h"

namespace freshet {

// Every optimizer with a schedule that has state or counts steps.
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
  return learners;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_E2E_ALL_LEARNERS_H_
