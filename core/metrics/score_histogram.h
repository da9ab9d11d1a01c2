// A histogram of scores by class, from which AUC and reliability are computed.

#ifndef FRESHET_CORE_METRICS_SCORE_HISTOGRAM_H_
#define FRESHET_CORE_METRICS_SCORE_HISTOGRAM_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/metrics/example_block.h"

namespace freshet {

// Examples whose predictions fall into one range. v1.ReliabilityBin describes each field.
struct ReliabilityBin {
  double from = 0;
  double to = 0;
  double weight_sum = 0;
  double prediction_mean = 0;
  double label_mean = 0;
};

// Total weights of positive and negative examples in buckets of scores. Buckets are 1/64 wide and
// cover -16 to 16; scores beyond fall into the first or last bucket. Takes 32 kB once it has
// counted anything. Not thread-safe.
class ScoreHistogram {
 public:
  // REQUIRES: labels are 0 or 1.
  void Add(const ExampleBlock& block);
  void Add(const ScoreHistogram& other);

  // Area under the ROC curve, to within a bucket; absent until both labels have been counted.
  std::optional<double> Auc() const;

  // REQUIRES: scores are logits. Bin edges are near round probabilities, but on bucket edges, so
  // that weights and labels are exact; the mean prediction is accurate to 1 %. Empty bins are left
  // out.
  std::vector<ReliabilityBin> ReliabilityBins() const;

  // Appends and reads all buckets. DATA_LOSS if the saved buckets are invalid.
  void SaveBuckets(StateWriter& writer) const;
  absl::Status LoadBuckets(StateReader& reader);

  // The same, in a form that is shorter if nothing has been counted.
  void SaveState(StateWriter& writer) const;
  absl::Status LoadState(StateReader& reader);

 private:
  struct Bucket {
    double negative_weight = 0;
    double positive_weight = 0;
  };

  std::vector<Bucket> buckets_;  // In ascending order of score; empty if nothing has been counted.
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_SCORE_HISTOGRAM_H_
