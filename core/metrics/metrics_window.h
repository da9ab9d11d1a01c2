// The newest examples.

#ifndef FRESHET_CORE_METRICS_METRICS_WINDOW_H_
#define FRESHET_CORE_METRICS_METRICS_WINDOW_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/metrics/example_block.h"
#include "core/metrics/loss_sums.h"
#include "core/metrics/score_histogram.h"

namespace freshet {

// Two halves of kHalfExamples: when the newer one is full, the older one leaves the window and its
// scores join those of all examples before. What an example costs is thus the same as without a
// window. Not thread-safe.
class MetricsWindow {
 public:
  static constexpr uint64_t kHalfExamples = 100'000;

  // Counts the scores of examples; their sums follow by AddSums(), before the half is over.
  // REQUIRES: labels are 0 or 1.
  void AddScores(const ExampleBlock& block) { newer_.scores.Add(block); }
  // Returns whether the newer half was full and became the older one. REQUIRES: the examples added
  // so far divide kHalfExamples, in sizes that make up whole halves.
  bool AddSums(const LossSums& sums);

  // Over the window; the sums without what is still to be added.
  LossSums Sums() const;
  ScoreHistogram Scores() const;
  const LossSums& older_sums() const { return older_.sums; }
  const LossSums& newer_sums() const { return newer_.sums; }

  // Over all examples since the beginning.
  ScoreHistogram AllScores() const;

  // Takes the scores of a state that had no window for those of examples before it.
  absl::Status LoadOldScores(StateReader& reader) { return settled_.LoadBuckets(reader); }

  // Appends and reads the state. DATA_LOSS where the bytes do not fit.
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
