// What a learner has learned, put into words: weights and contributions with the names of features.

#ifndef FRESHET_SERVER_SERVICE_WEIGHT_REPORT_H_
#define FRESHET_SERVER_SERVICE_WEIGHT_REPORT_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/feature/example_batch.h"
#include "core/model/learner.h"
#include "core/model/top_weights.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/model/served_model.h"
#include "server/view/feature_names.h"

namespace freshet {

// Gives the names of the features of each slot of a table of `slot_count` slots.
using NameFinder = std::function<std::vector<std::vector<std::string>>(
    std::span<const uint32_t> slots, uint64_t slot_count)>;

// That of a model, which outlives it.
inline NameFinder FinderOf(const ServedModel& model) {
  return [&model](std::span<const uint32_t> slots, uint64_t slot_count) {
    return model.FindNames(slots, slot_count);
  };
}

// The offsets of responses are left to the caller.

// How many features a response has, for what stands in the request.
uint32_t ReportLimit(uint32_t requested);

// `top` are weights of the learner, in the order of the response.
v1::ListTopWeightsResponse ReportTopWeights(const Learner& learner,
                                            const std::vector<SlotWeight>& top,
                                            const NameFinder& names);

// `own_names` are what the example itself calls its features; they come before others of their
// slot. `score_correction` is what is served beyond the learner's score. REQUIRES: example.size()
// == 1.
v1::ExplainResponse ReportExplanation(const Learner& learner, const NameFinder& names,
                                      const ExampleBatch& example, const FeatureNames& own_names,
                                      float score_correction);

// `comparison` is one with a learner of that many slots.
v1::CompareSnapshotsResponse ReportChanges(const WeightComparison& comparison, uint64_t slot_count,
                                           const NameFinder& names);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_WEIGHT_REPORT_H_
