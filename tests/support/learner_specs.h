// Learners of every kind, with options away from their defaults, for tests that must hold for all.

#ifndef FRESHET_TESTS_SUPPORT_LEARNER_SPECS_H_
#define FRESHET_TESTS_SUPPORT_LEARNER_SPECS_H_

#include <string>
#include <vector>

#include "core/model/spec.h"

namespace freshet {

struct NamedSpec {
  std::string name;
  LearnerSpec spec;
};

// Each optimizer with each loss, at a constant learning rate.
std::vector<NamedSpec> EveryOptimizerAndLoss();

// Each optimizer with each schedule, for logistic loss.
std::vector<NamedSpec> EveryOptimizerAndSchedule();

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_LEARNER_SPECS_H_
