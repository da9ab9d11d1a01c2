// Metrics over a window of the newest examples.

#ifndef FRESHET_CORE_METRICS_METRICS_WINDOW_H_
#define FRESHET_CORE_METRICS_METRICS_WINDOW_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/metrics/example_block.h"
#include "core/metrics/loss_sums.h"
#include "core/metrics/score_histogram.h"

namespace freshet {

// The window consists of two halves of kHalfExamples examples each. When the newer half is full,
// the older one leaves the window and its scores join those of all examples before it. So an
// example costs no more than it would without a window. Not thread-safe.
class MetricsWindow {
 public:
  static constexpr uint64_t kHalfExamples = 100'000;

  // Counts the scores of examples, whose sums must follow by AddSums() before the half ends.
  // REQUIRES: labels are 0 or 1.
  void AddScores(const ExampleBlock& block) { newer_.scores.Add(block); }
  // Adds the sums of a group of examples. Returns whether the newer half is now full and has become
  // the older one. REQUIRES: group sizes add up to kHalfExamples exactly at the end of each half.
  bool AddSums(const LossSums& sums);

  // Over the window. Sums() lacks the examples whose AddSums() is still to come.
  LossSums Sums() const;
  ScoreHistogram Scores() const;
  const LossSums& older_sums() const { return older_.sums; }
  const LossSums& newer_sums() const { return newer_.sums; }

  // Over all examples since the beginning.
  ScoreHistogram AllScores() const;

  // Loads the scores of an old state that had no window, as those of examples that have left it.
  absl::Status LoadOldScores(StateReader& reader) { return settled_.LoadBuckets(reader); }

  // Appends and reads the state. DATA_LOSS if the saved state is invalid.
  void SaveState(StateWriter& writer) const;
  absl::Status LoadState(StateReader& reader);

 private:
  struct Half {
    LossSums sums;
    ScoreHistogram scores;
  };

  ScoreHistogram settled_;  // Of examples that have left the window.
  Half older_;
  Half newer_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_METRICS_WINDOW_H_
