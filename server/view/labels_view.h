// What a model's log says about labels that come later, as far as learning needs it.

#ifndef FRESHET_SERVER_VIEW_LABELS_VIEW_H_
#define FRESHET_SERVER_VIEW_LABELS_VIEW_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "core/metrics/progressive_metrics.h"
#include "freshet/v1/label_rule.pb.h"
#include "server/view/view.h"

namespace freshet {

// Counts the decisions about labels, knows which records of the log are still needed for decisions
// that are to come, and measures the predictions that were given out against the labels that
// followed. A restore leaves it as it is: what happened has happened.
//
// The events themselves, and what becomes of each, are known to the join (server/join/), which
// keeps them on disk at an offset of its own. This view has what must not be lost with the join.
class LabelsView : public View {
 public:
  // `metrics` are those of the champion.
  explicit LabelsView(const ProgressiveMetrics::Options& metrics)
      : View("labels"), options_(Served(metrics)) {}

  // The number of the last decision; 0: there was none. The next one has the next number.
  uint64_t number() const { return number_; }
  // Events that are not settled.
  uint64_t pending_rows() const { return pending_rows_; }
  // The first record of the log to which a later decision may refer; offset() if there is none.
  uint64_t needed_from() const {
    return pending_rows_ == 0 && !may_correct_ ? offset() : settled_below_;
  }
  // True of a model that never had events: snapshots then have no part of this view.
  bool empty() const { return number_ == 0 && pending_rows_ == 0; }

  // Fills in how good the predictions were that were given out, and from where on the log is kept.
  void Describe(v1::LabelFigures& figures) const;

  uint32_t version() const override { return 1; }
  void Save(StateWriter& writer) const override;

 private:
  // Scores that were given out are corrected for dropped negatives already.
  static ProgressiveMetrics::Options Served(ProgressiveMetrics::Options metrics) {
    metrics.negative_sampling_rate = 1;
    return metrics;
  }

  void ApplyNext(const Record& record, View* restored) override;
  absl::Status LoadVersion(StateReader& reader, uint32_t version) override;
  void ApplyEvents(const EventsRecord& events);
  void ApplyLabels(const LabelsRecord& labels);

  const ProgressiveMetrics::Options options_;

  uint64_t number_ = 0;
  uint64_t pending_rows_ = 0;
  uint64_t settled_below_ = 0;  // No later decision refers to records below.
  bool may_correct_ = false;    // Later decisions may refer to rows that were decided already.
  std::unique_ptr<ProgressiveMetrics> served_metrics_;  // Null until there is something to measure.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_LABELS_VIEW_H_
