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
#include "core/metrics/base_rate.h"
#include "core/metrics/drift_detector.h"
#include "core/metrics/example_block.h"
#include "core/metrics/loss_columns.h"
#include "core/metrics/loss_sums.h"
#include "core/metrics/metrics_window.h"
#include "core/metrics/number_metrics.h"
#include "core/metrics/score_histogram.h"

namespace freshet {

// Figures over a window of the newest examples. See v1.WindowMetrics for what each means.
struct WindowFigures {
  uint64_t example_count = 0;
  double loss = 0;
  double base_rate_loss = 0;
  double relative_gain = 0;
  std::optional<double> auc;
  std::optional<double> calibration;
  double label_mean = 0;
};

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
  WindowFigures window;
  std::vector<ReliabilityBin> reliability_bins;  // Logistic loss.
  std::optional<double> mean_squared_error;      // These three: losses of numbers.
  std::optional<double> mean_absolute_error;
  std::optional<double> r_squared;
  DriftFigures loss_drift;
  DriftFigures label_drift;
};

// Counts predictions against labels. Not thread-safe: owned by a model's writer.
//
// The state does not depend on how the stream is cut into calls of Update().
class ProgressiveMetrics {
 public:
  // The decayed figures look back over about this many examples.
  static constexpr double kDecayExampleCount = 10000;
  // Scores of the logistic loss count as 50 at most, either way, in losses and predictions; those
  // of old records of the log as the logit of 1 - 1e-15.
  static constexpr double kScoreLimit = 50;
  static constexpr double kOldScoreLimit = 34.538776394910684;

  struct Options {
    LossKind loss = LossKind::kLogistic;
    double quantile_tau = 0.5;  // Of the quantile loss.
    // In (0, 1], logistic loss: the share of negative examples that were kept. Below 1 the figures
    // are those of the stream before some were dropped: scores are corrected as served ones are,
    // and each negative example stands for 1 / negative_sampling_rate of them.
    double negative_sampling_rate = 1;
  };

  explicit ProgressiveMetrics(const Options& options);

  // Counts examples, in order. `scores` are those of Learner::LearnBatch(); `weights` may be empty:
  // all 1. `score_limit` is kScoreLimit or kOldScoreLimit. REQUIRES: scores.size() ==
  // labels.size().
  void Update(std::span<const float> scores, std::span<const float> labels,
              std::span<const float> weights, double score_limit = kScoreLimit);

  // The figures as of now.
  ProgressiveFigures Figures() const;

  // Appends the state, canonical and versioned.
  void SaveState(StateWriter& writer) const;

  // Reads a saved state, also one of an earlier version: the figures that it lacks begin anew.
  // DATA_LOSS where the bytes do not fit.
  absl::Status LoadState(StateReader& reader);

  // Appends what every version has counted alike, for digests.
  void SaveTotals(StateWriter& writer) const;

 private:
  // Examples are gathered into groups of this many, by their number in the stream.
  static constexpr uint64_t kGroupExamples = ExampleBlock::kCapacity;
  static_assert(MetricsWindow::kHalfExamples % kGroupExamples == 0);

  // Sums over all examples, and the same with exponentially decaying weight.
  struct Totals {
    LossSums all;
    double decayed_weight = 0;
    double decayed_loss = 0;
    double decayed_base_rate_loss = 0;
  };

  void CorrectForSampling(ExampleBlock& block) const;
  void Add(const ExampleBlock& block);
  void EndGroup();
  std::optional<double> Calibration(const LossSums& sums) const;
  WindowFigures Window() const;
  absl::Status LoadTotals(StateReader& reader);
  // After a state that has no base rate.
  void BeginBaseRate();

  Options options_;
  double score_correction_;  // ln negative_sampling_rate
  LossColumns columns_;
  Totals totals_;
  LossSums group_;  // Since the last whole group.
  MetricsWindow window_;
  BaseRate base_rate_;
  NumberMetrics numbers_;
  DriftDetector loss_drift_{DriftDetector::kLearningTolerance};
  DriftDetector label_drift_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_PROGRESSIVE_METRICS_H_
