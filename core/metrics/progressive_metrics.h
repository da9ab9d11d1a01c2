// Progressive validation: honest running figures from predictions made just before learning.

#ifndef FRESHET_CORE_METRICS_PROGRESSIVE_METRICS_H_
#define FRESHET_CORE_METRICS_PROGRESSIVE_METRICS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/loss/loss_kind.h"

namespace freshet {

// The figures, all weighted by importance. See v1.ProgressiveMetrics for what each means.
struct ProgressiveFigures {
  uint64_t example_count = 0;
  double weight_sum = 0;
  double loss = 0;
  double decayed_loss = 0;
  double base_rate_loss = 0;
  double decayed_base_rate_loss = 0;
  double relative_gain = 0;
  std::optional<double> auc;
  std::optional<double> calibration;
  double label_mean = 0;
};

// Counts predictions against labels. Not thread-safe: owned by a model's writer.
//
// The state does not depend on how the stream is cut into calls of Update().
class ProgressiveMetrics {
 public:
  // The decayed figures look back over about this many examples.
  static constexpr double kDecayExampleCount = 10000;

  // `quantile_tau` is that of the quantile loss.
  explicit ProgressiveMetrics(LossKind loss, double quantile_tau = 0.5);

  // Counts examples, in order. `scores` are those of Learner::LearnBatch(); `weights` may be empty:
  // all 1. REQUIRES: scores.size() == labels.size().
  void Update(std::span<const float> scores, std::span<const float> labels,
              std::span<const float> weights);

  // The figures as of now.
  ProgressiveFigures Figures() const;

  // Appends the state, canonical and versioned.
  void SaveState(StateWriter& writer) const;

  // Reads a saved state. DATA_LOSS where the bytes do not fit.
  absl::Status LoadState(StateReader& reader);

 private:
  // The weights of the two classes, by score: what the AUC is computed from.
  static constexpr int kBucketCount = 2048;
  struct Bucket {
    double negative_weight = 0;
    double positive_weight = 0;
  };

  // Sums over all examples, and the same with exponentially decaying weight.
  struct Sums {
    uint64_t example_count = 0;
    double weight = 0;
    double loss = 0;
    double base_rate_loss = 0;
    double prediction = 0;
    double label = 0;
    double decayed_weight = 0;
    double decayed_loss = 0;
    double decayed_base_rate_loss = 0;
  };

  // The constant predictor of the quantile loss: a running tau-quantile of the labels, which
  // follows them by importance-aware steps.
  struct RunningQuantile {
    double value = 0;
    double deviation_sum = 0;  // Of labels from the value, weighted.
  };

  struct Block;

  void Compute(Block& block);
  void ComputeLogistic(Block& block) const;
  void ComputeSquared(Block& block) const;
  void ComputeHinge(Block& block) const;
  void ComputePoisson(Block& block) const;
  void ComputeQuantile(Block& block);
  void Add(const Block& block);
  void AddToBuckets(const Block& block);
  std::optional<double> Auc() const;
  std::optional<double> Calibration() const;

  LossKind loss_;
  double quantile_tau_;
  Sums sums_;
  std::vector<Bucket> buckets_;  // Losses of two classes: kBucketCount of them, by rising score.
  RunningQuantile quantile_;     // Quantile loss.
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_PROGRESSIVE_METRICS_H_
