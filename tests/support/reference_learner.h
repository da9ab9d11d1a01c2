// A slow, obvious learner: tests compare the fast one with it.

#ifndef FRESHET_TESTS_SUPPORT_REFERENCE_LEARNER_H_
#define FRESHET_TESTS_SUPPORT_REFERENCE_LEARNER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/spec.h"
#include "tests/support/example_stream.h"
#include "tests/support/reference_loss.h"
#include "tests/support/reference_schedule.h"

namespace freshet {

// The textbook rules in double precision over dense vectors: at every step every weight moves as
// the rule says, whether or not its feature is present. Only Adam is lazy, by definition.
//
// The intercept is the last weight; its feature is in every example.
class ReferenceLearner {
 public:
  // Features are 0 to feature_count - 1.
  ReferenceLearner(const LearnerSpec& spec, size_t feature_count);

  // The score before the update. REQUIRES: no feature occurs twice.
  double Learn(const StreamExample& example);

  // Corrects a label as Learner::CorrectBatch() says; `example` has the new one. Returns the score
  // before the correction. REQUIRES: as for Learn(); the optimizer can correct.
  double Correct(const StreamExample& example, double old_label);

  double weight(size_t feature) const { return weights_[feature]; }
  double intercept() const { return offset_ + weights_.back(); }

 private:
  // By feature; 1 for the intercept, 0 for features that are absent.
  std::vector<double> ValuesOf(const StreamExample& example) const;
  double Score(const std::vector<double>& x) const;
  void Step(const std::vector<double>& gradients, const std::vector<bool>& present);
  // Whether the optimizer adds l1 to the gradient instead of shrinking the weight after the step.
  bool HasVelocity() const;
  // Moves one weight. Returns the learning rate of its step, after the division that the rule
  // makes.
  double MoveOne(size_t i, double rate, double g, bool present);
  // `square` is what is added to n.
  void MoveFtrl(size_t i, double rate, double g, double square);
  void CorrectOne(size_t i, double rate, double g, double square);

  const LearnerSpec spec_;
  const ReferenceLoss loss_;
  ReferenceSchedule schedule_;
  std::vector<double> weights_;
  double offset_ = 0;               // FTRL: the initial intercept.
  std::vector<double> velocities_;  // Momentum, Nesterov; Adam's m.
  std::vector<double> squares_;     // AdaGrad, RMSProp, FTRL's n; Adam's v.
  std::vector<double> pulls_;       // FTRL's z.
  std::vector<size_t> last_steps_;  // Adam.
  size_t steps_ = 0;

  // Mini-batch.
  std::vector<double> window_gradients_;
  std::vector<bool> window_present_;
  size_t window_count_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_REFERENCE_LEARNER_H_
