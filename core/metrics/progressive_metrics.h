// Progressive validation: running metrics over predictions made just before learning from each
// example, an honest estimate of how well the model predicts unseen data.

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

// Metrics over a window of the newest examples. v1.WindowMetrics describes each field.
struct WindowFigures {
  uint64_t example_count = 0;
  double loss = 0;
  double base_rate_loss = 0;
  double relative_gain = 0;
  std::optional<double> auc;
  std::optional<double> calibration;
  double label_mean = 0;
};

// All metrics, weighted by importance. v1.ProgressiveMetrics describes each field.
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
  std::vector<ReliabilityBin> reliability_bins;  // Only for logistic loss.
  std::optional<double> mean_squared_error;      // These three: only for losses of numbers.
  std::optional<double> mean_absolute_error;
  std::optional<double> r_squared;
  DriftFigures loss_drift;
  DriftFigures label_drift;
};

// Compares predictions with labels. Not thread-safe: owned by a model's writer.
//
// The state does not depend on how the stream is divided into calls of Update().
class ProgressiveMetrics {
 public:
  // The decayed metrics look back over about this many examples.
  static constexpr double kDecayExampleCount = 10000;
  // In losses and predictions, scores of the logistic loss are clamped to +-kScoreLimit; those of
  // old log records to +-kOldScoreLimit, the logit of 1 - 1e-15, as when they were written.
  static constexpr double kScoreLimit = 50;
  static constexpr double kOldScoreLimit = 34.538776394910684;

  struct Options {
    LossKind loss = LossKind::kLogistic;  // Neither kVwSquared nor kVwQuantile.
    double quantile_tau = 0.5;  // Only for the quantile loss; or the q of the expectile loss.
    // In (0, 1]; only for logistic loss. The share of negative examples that the sender kept. Below
    // 1, the metrics are those of the stream before negatives were dropped: scores are corrected
    // like served predictions, and each negative example counts 1 / negative_sampling_rate times.
    double negative_sampling_rate = 1;
  };

  explicit ProgressiveMetrics(const Options& options);

  // Counts examples, in order; those of weight 0 are ignored. `scores` are those of
  // Learner::LearnBatch(). Empty `weights` means all 1. `score_limit` is kScoreLimit or
  // kOldScoreLimit. REQUIRES: scores.size() == labels.size().
  void Update(std::span<const float> scores, std::span<const float> labels,
              std::span<const float> weights, double score_limit = kScoreLimit);

  // The metrics over everything counted so far.
  ProgressiveFigures Figures() const;

  // Appends the state, canonical and versioned.
  void SaveState(StateWriter& writer) const;

  // Reads a saved state of this or an earlier version; metrics that an earlier version lacks start
  // anew. DATA_LOSS if the saved state is invalid or of another loss.
  absl::Status LoadState(StateReader& reader);

  // Appends what all versions count in the same way, for digests.
  void SaveTotals(StateWriter& writer) const;

 private:
  // Examples are gathered into groups of this size, by their number in the stream.
  static constexpr uint64_t kGroupExamples = ExampleBlock::kCapacity;
  static_assert(MetricsWindow::kHalfExamples % kGroupExamples == 0);

  // Sums over all examples, and sums with exponentially decaying weight.
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
  // Initialises base_rate_ after loading a state of a version without it.
  void BeginBaseRate();

  Options options_;
  double score_correction_;  // ln negative_sampling_rate
  LossColumns columns_;
  Totals totals_;
  LossSums group_;  // Over the examples since the last full group.
  MetricsWindow window_;
  BaseRate base_rate_;
  NumberMetrics numbers_;
  DriftDetector loss_drift_{DriftDetector::kLearningTolerance};
  DriftDetector label_drift_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_PROGRESSIVE_METRICS_H_
