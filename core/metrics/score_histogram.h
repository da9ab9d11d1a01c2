// How many examples of each class had which score: what AUC and reliability are computed from.

#ifndef FRESHET_CORE_METRICS_SCORE_HISTOGRAM_H_
#define FRESHET_CORE_METRICS_SCORE_HISTOGRAM_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/metrics/example_block.h"

namespace freshet {

// The examples whose prediction was of one size. See v1.ReliabilityBin.
struct ReliabilityBin {
  double from = 0;
  double to = 0;
  double weight_sum = 0;
  double prediction_mean = 0;
  double label_mean = 0;
};

// Buckets of scores, 1/64 wide: -16 to 16 are told apart, what is beyond is one bucket each. Takes
// 32 kB once it has counted anything. Not thread-safe.
class ScoreHistogram {
 public:
  // REQUIRES: labels are 0 or 1.
  void Add(const ExampleBlock& block);
  void Add(const ScoreHistogram& other);

  // Area under the ROC curve, to within a bucket; absent until both labels have been counted.
  std::optional<double> Auc() const;

  // For scores that are logits. The bins' edges are near round probabilities, and fall on edges of
  // buckets, so that weights and labels are exact; the mean prediction is right to 1 %. Empty bins
  // are left out.
  std::vector<ReliabilityBin> ReliabilityBins() const;

  // Appends every bucket, and reads them. DATA_LOSS where the bytes do not fit.
  void SaveBuckets(StateWriter& writer) const;
  absl::Status LoadBuckets(StateReader& reader);

  // The same, shorter where nothing has been counted.
  void SaveState(StateWriter& writer) const;
  absl::Status LoadState(StateReader& reader);

 private:
  struct Bucket {
    double negative_weight = 0;
    double positive_weight = 0;
  };

  std::vector<Bucket> buckets_;  // By rising score; empty where nothing has been counted.
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_SCORE_HISTOGRAM_H_
