// Metrics over rows that the server has predicted.

#ifndef FRESHET_CLIENT_COMMAND_ROW_METRICS_H_
#define FRESHET_CLIENT_COMMAND_ROW_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/feature/example_batch.h"
#include "core/metrics/progressive_metrics.h"
#include "core/thread/steady_mutex.h"
#include "freshet/v1/learner.pb.h"

namespace freshet {

// Whether a label must be 1, 0 or -1.
bool HasTwoLabels(const v1::LearnerSpec& learner);

// Whether a label of 0 is half positive, as in Vowpal Wabbit, and not negative.
bool HasHalfLabels(const v1::LearnerSpec& learner);

// Computes for rows of the client's choice what the server computes over all that a model has
// learned. Not thread-safe.
class RowMetrics {
 public:
  // `learner`: that of the variant whose scores are counted.
  explicit RowMetrics(const v1::LearnerSpec& learner);

  // Counts rows with the scores that the server returned for them. Leaves out rows whose score is
  // NaN. Empty `weights` means all 1. REQUIRES: scores.size() == labels.size().
  void Add(std::span<const float> scores, std::span<const float> labels,
           std::span<const float> weights);

  ProgressiveFigures Figures() const { return metrics_.Figures(); }

 private:
  ProgressiveMetrics metrics_;
  float score_correction_ = 0;  // What the server adds to scores that it returns.
};

// A row of a batch that is predicted but not learned, with its own label and weight.
struct HeldOutRow {
  size_t row = 0;
  float label = 0;
  float weight = 1;
  uint32_t epoch = 0;
};

// The metrics over the held-out rows in the best epoch.
struct HoldoutFigures {
  ProgressiveFigures figures;
  uint32_t epoch = 0;
};

// The same for the rows of a push, whose scores come later, in the same order. Threads: one thread
// may push while another receives; Figures() may be called from any thread.
class PushMetrics {
 public:
  explicit PushMetrics(const v1::LearnerSpec& learner) : learner_(learner), metrics_(learner) {}

  // Remembers the labels and weights of rows that are about to be pushed. `held_out`: those of them
  // that are not learned, in order.
  void Expect(const ExampleBatch& rows, std::span<const HeldOutRow> held_out = {});

  // Counts the next rows pushed with their scores; NaN for a row that has none.
  // REQUIRES: the rows were expected.
  void Take(std::span<const float> scores);

  ProgressiveFigures Figures() const;
  // Absent if no row was held out. As in Vowpal Wabbit, epochs after three that were no better than
  // the best before them do not count.
  std::optional<HoldoutFigures> Holdout() const;

 private:
  struct Row {
    float label;
    float weight;
    std::optional<uint32_t> held_out_epoch;
  };

  const v1::LearnerSpec learner_;

  mutable SteadyMutex mu_;
  RowMetrics metrics_ ABSL_GUARDED_BY(mu_);
  std::vector<RowMetrics> holdout_ ABSL_GUARDED_BY(mu_);  // By epoch.
  std::deque<Row> expected_ ABSL_GUARDED_BY(mu_);
  // Scratch of Take(), kept for its capacity.
  std::vector<float> labels_ ABSL_GUARDED_BY(mu_);
  std::vector<float> weights_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_ROW_METRICS_H_
