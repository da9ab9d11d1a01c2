// Makes learners from specs.

#ifndef FRESHET_CORE_MODEL_FACTORY_H_
#define FRESHET_CORE_MODEL_FACTORY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/model/learner.h"
#include "core/model/spec.h"

namespace freshet {

// A new learner. RESOURCE_EXHAUSTED if there is not enough memory for its tables.
// REQUIRES: the options of `spec` are in range.
absl::StatusOr<std::unique_ptr<Learner>> MakeLearner(const LearnerSpec& spec);

// Whether such an optimizer makes learners that support corrections; see Learner::CorrectBatch().
bool SupportsCorrections(const OptimizerOptions& options);

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_FACTORY_H_
