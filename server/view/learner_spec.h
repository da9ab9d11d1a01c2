// From a LearnerSpec on the wire to a learner.

#ifndef FRESHET_SERVER_VIEW_LEARNER_SPEC_H_
#define FRESHET_SERVER_VIEW_LEARNER_SPEC_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/loss/loss_kind.h"
#include "core/metrics/progressive_metrics.h"
#include "core/model/learner.h"
#include "freshet/v1/learner.pb.h"

namespace freshet {

// Fills in every default and checks every range (both stand in the proto, as OptionInfo).
// INVALID_ARGUMENT names the option, its value and what is allowed.
// For specs of models that exist: what is absent means what it meant in the version that wrote it.
absl::StatusOr<v1::LearnerSpec> ResolveLearnerSpec(const v1::LearnerSpec& spec);

// The same for the learner of a new model, which gets the newest rules unless the spec says
// otherwise.
absl::StatusOr<v1::LearnerSpec> ResolveNewLearnerSpec(const v1::LearnerSpec& spec);

// A new learner. REQUIRES: `resolved` comes from ResolveLearnerSpec(). RESOURCE_EXHAUSTED where
// there is no memory for the table.
absl::StatusOr<std::unique_ptr<Learner>> MakeLearner(const v1::LearnerSpec& resolved);

// What is added to a learner's score to make it a served one: ln negative_sampling_rate.
float ScoreCorrectionOf(const v1::LearnerSpec& resolved);

// The loss of a resolved spec, which says which labels are allowed, and in what order features are
// learned.
LossKind LossKindOf(const v1::LearnerSpec& resolved);

// The loss that metrics report.
LossKind ReportedLossOf(const v1::LearnerSpec& resolved);

// Whether Learner::CorrectBatch() is right for such a learner.
bool SupportsCorrections(const v1::LearnerSpec& resolved);

// How the predictions of such a learner are measured.
ProgressiveMetrics::Options MetricsOptionsOf(const v1::LearnerSpec& learner);

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_LEARNER_SPEC_H_
