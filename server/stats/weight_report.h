// What a learner has learned, put into words: weights and contributions with the names of features.

#ifndef FRESHET_SERVER_STATS_WEIGHT_REPORT_H_
#define FRESHET_SERVER_STATS_WEIGHT_REPORT_H_

#include <cstdint>

#include "core/feature/example_batch.h"
#include "core/model/learner.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/runtime/feature_names.h"

namespace freshet {

// The offsets of responses are left to the caller. A `limit` is as it stands in the request.

v1::ListTopWeightsResponse ReportTopWeights(const Learner& learner, const FeatureNames& names,
                                            uint32_t limit);

// `own_names` are what the example itself calls its features; they come before others of their
// slot. `score_correction` is what is served beyond the learner's score. REQUIRES: example.size()
// == 1.
v1::ExplainResponse ReportExplanation(const Learner& learner, const FeatureNames& names,
                                      const ExampleBatch& example, const FeatureNames& own_names,
                                      float score_correction);

// REQUIRES: as for CompareWeights().
v1::CompareSnapshotsResponse ReportChanges(const Learner& old_learner, const Learner& new_learner,
                                           const FeatureNames& names, uint32_t limit);

}  // namespace freshet

#endif  // FRESHET_SERVER_STATS_WEIGHT_REPORT_H_
