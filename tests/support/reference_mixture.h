// A slow, obvious mixture: tests compare AutoLearner with it.

#ifndef FRESHET_TESTS_SUPPORT_REFERENCE_MIXTURE_H_
#define FRESHET_TESTS_SUPPORT_REFERENCE_MIXTURE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/model/spec.h"
#include "tests/support/example_stream.h"
#include "tests/support/reference_loss.h"

// Names are those of the papers.
// NOLINTBEGIN(readability-identifier-naming)
namespace freshet {

// The rules of core/optimizer/auto_members.h and core/model/mixture.h in double precision, one
// member after the other. Has the interface of ReferenceLearner.
class ReferenceMixture {
 public:
  // Features are 0 to feature_count - 1. REQUIRES: the optimizer is AutoOptions.
  ReferenceMixture(const LearnerSpec& spec, size_t feature_count);

  // The score before the update. REQUIRES: no feature occurs twice.
  double Learn(const StreamExample& example);

  // weight() is what Learn() would return for an example of one feature of value 1, without the
  // intercept; intercept() is what it would return for an example without features.
  double weight(size_t feature) const;
  double intercept() const;

 private:
  using Vector = std::vector<double>;

  struct Entry {
    size_t id;
    double x;
  };
  struct Mixer {
    double noise;
    Vector v;
    std::vector<Vector> P;
  };
  // What the mixture computes for one example.
  struct Scored {
    Vector inputs;
    Vector parts;   // Scores of members, then of mixers.
    double inside;  // Mean of `parts`, weighted by share.
    double score;
  };

  std::vector<Entry> EntriesOf(const StreamExample& example) const;
  // The size of the values of a feature: the largest so far under the first rules, otherwise the
  // scale of core/optimizer/value_scale.h.
  struct Scale {
    double scale = 0, mean = 0, recent = 0;
    int count = 0;
  };

  double Share(const Entry& entry) const;
  void ObserveSize(double size, Scale& scale) const;
  double BaseRate() const;
  void ObserveWeight(double h);
  double JudgingUnit(const std::vector<double>& losses);
  double Clip(double score) const;
  double Inside(double score) const;
  Vector Trend() const;
  Scored Score(const std::vector<Entry>& entries) const;
  void ObserveLabel(double label, double h);
  void LearnShares(const Scored& scored, double y);
  void LearnMixer(const Vector& z, double score, double y, double h, Mixer& mixer);
  void LearnMember(const std::string& name, size_t index, const std::vector<Entry>& entries,
                   double score, double y, double h);
  double Curvature(double score, double y) const;

  const LearnerSpec spec_;
  const bool is_first_;  // The first rules.
  const ReferenceLoss loss_;
  const bool is_scaled_;
  const double offset_;
  std::vector<std::string> members_;

  // By member, then by feature; the last feature is the intercept.
  std::vector<Vector> w_;
  std::vector<Vector> G_;  // Of AdaGrad and fading AdaGrad; A of coin betting.
  Vector z_, W_, P_;       // Of coin betting (z, W) and Newton (P).
  std::vector<Scale> scales_;
  double largest_gradient_ = 1;
  double mean_square_ = 0.25, squares_ = 1;  // Of gradients of fading AdaGrad, and their number.
  double norm_sum_ = 0, norm_weight_ = 0;

  // Of weights; the two sums decay.
  double weight_sum_ = 0, weight_square_sum_ = 0, recent_weight_ = 0, largest_weight_ = 0;
  double relative_ = 1, judged_ = 1;  // The weight of the example being learned, in two units.

  std::vector<Mixer> mixers_;
  Vector shares_, first_shares_;
  bool has_base_ = false;
  double first_weight_ = 0, base_weight_ = 0, base_sum_ = 0, quantile_ = 0, gap_ = 0;
  std::vector<double> labels_;
  Vector trend_;
  double center_ = 0, deviation_ = 0, label_weight_ = 0;
  double loss_sum_ = 0, loss_weight_ = 0;  // Both decay.
  Vector recent_losses_;                   // By member.
  bool newton_lags_ = false;
};

}  // namespace freshet
// NOLINTEND(readability-identifier-naming)

#endif  // FRESHET_TESTS_SUPPORT_REFERENCE_MIXTURE_H_
