// Slow, obvious learners that scale features: tests compare NagLearner and CoinLearner with them.

#ifndef FRESHET_TESTS_SUPPORT_REFERENCE_SCALED_LEARNER_H_
#define FRESHET_TESTS_SUPPORT_REFERENCE_SCALED_LEARNER_H_

#include <cstddef>
#include <vector>

#include "core/model/spec.h"
#include "tests/support/example_stream.h"
#include "tests/support/reference_loss.h"
#include "tests/support/reference_schedule.h"

// Names are those of the papers.
// NOLINTBEGIN(readability-identifier-naming)
namespace freshet {

// The rules as in the papers, in double precision. Has the interface of ReferenceLearner.
class ReferenceScaledLearner {
 public:
  // Features are 0 to feature_count - 1. REQUIRES: the optimizer is NagOptions or Coin::Options.
  ReferenceScaledLearner(const LearnerSpec& spec, size_t feature_count);

  // The score before the update. REQUIRES: no feature occurs twice.
  double Learn(const StreamExample& example);

  // weight() is what Learn() would return for an example of one feature of value 1, without the
  // intercept; intercept() is what it would return for an example without features.
  double weight(size_t feature) const;
  double intercept() const;

 private:
  struct Feature {
    double w = 0;  // NAG
    double G = 0;
    double s = 0;
    double z = 0;  // Coin
    double A = 0;
    double W = 0;
    double X = 0;
    double M = 0;
  };
  struct Entry {
    size_t id;
    double x;
  };

  std::vector<Entry> EntriesOf(const StreamExample& example) const;
  double Score(const std::vector<Entry>& entries) const;
  double Clip(double score) const;
  bool IsRegularized(size_t id) const;
  double NagWeight(size_t id) const;
  double CoinWeight(const Feature& feature, double X) const;
  void LearnNag(const std::vector<Entry>& entries, double s, double y, double h);
  void LearnCoin(const std::vector<Entry>& entries, double s, double y, double h);

  const LearnerSpec spec_;
  const ReferenceLoss loss_;
  ReferenceSchedule schedule_;
  std::vector<Feature> features_;  // The intercept is last.
  double offset_ = 0;
  double N_ = 0;
  double T_ = 0;
  double gravity_ = 0;
  double contraction_ = 1;
  size_t steps_ = 0;
  std::vector<double> labels_;
};

}  // namespace freshet
// NOLINTEND(readability-identifier-naming)

#endif  // FRESHET_TESTS_SUPPORT_REFERENCE_SCALED_LEARNER_H_
