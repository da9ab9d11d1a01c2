// A variant of a model: one learner with its loss, features and metrics, as a view of the log.

#ifndef FRESHET_SERVER_VIEW_VARIANT_H_
#define FRESHET_SERVER_VIEW_VARIANT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/metrics/progressive_metrics.h"
#include "core/model/learner.h"
#include "freshet/v1/model.pb.h"
#include "server/view/served_variant.h"
#include "server/view/view.h"

namespace freshet {

// Threads: as View, and readers may hold served() and predict with it meanwhile.
class Variant : public View {
 public:
  // The variant before the first record. `learner` is resolved. RESOURCE_EXHAUSTED where there is
  // no memory for its table.
  static absl::StatusOr<std::unique_ptr<Variant>> Create(std::string id,
                                                         const v1::LearnerSpec& learner);

  // What readers predict with. Another object after a restore, else the same one.
  const std::shared_ptr<const ServedVariant>& served() const { return served_; }

  // The scores of the last batch, one a row, each from before the row was learned. Valid until the
  // next record.
  std::span<const float> scores() const { return scores_; }

  uint64_t example_count() const { return learner_->example_count(); }
  uint64_t skipped_count() const { return learner_->skipped_count(); }

  uint32_t version() const override { return 1; }
  void Save(StateWriter& writer) const override;

  // XXH3-128 over the learner and the totals of the metrics, as 32 hexadecimal digits. Windows and
  // alarms have no part in it: they begin anew where a state of version 1 is loaded.
  std::string ComputeDigest() const;

  // Fills in the figures of `variant`, which has the learner's spec.
  void Describe(v1::Variant& variant) const;

 private:
  Variant(std::string id, std::shared_ptr<Learner> learner, const v1::LearnerSpec& spec);

  void ApplyNext(const Record& record, View* restored) override;
  // Learns the events whose labels were decided, and corrects those whose labels have changed.
  void LearnLabelled(const LabelsRecord& labels);
  absl::Status LoadVersion(StateReader& reader, uint32_t version) override;
  uint64_t UsedSlots() const;

  std::shared_ptr<Learner> learner_;
  ProgressiveMetrics metrics_;
  std::shared_ptr<const ServedVariant> served_;
  std::vector<float> scores_;

  // The slots in use when they were counted last, and the examples learned by then.
  mutable uint64_t used_slots_ = 0;
  mutable uint64_t counted_examples_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_VARIANT_H_
