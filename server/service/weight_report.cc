#include "server/service/weight_report.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace freshet {
namespace {

constexpr uint32_t kDefaultLimit = 50;
constexpr uint32_t kMaxLimit = 10'000;

constexpr uint64_t kAllIds = uint64_t{1} << 32;

void Fill(uint32_t slot, const TableWeight& weight, v1::WeightedFeature& out) {
  out.set_slot(slot);
  out.set_weight(weight.weight);
  out.set_evidence(weight.evidence);
}

// Adds to each feature the names of its slot that it does not have yet.
void AddNames(const NameFinder& names, uint64_t slot_count,
              const std::vector<v1::WeightedFeature*>& features) {
  std::vector<uint32_t> slots;
  slots.reserve(features.size());
  for (const v1::WeightedFeature* feature : features) slots.push_back(feature->slot());
  std::vector<std::vector<std::string>> found = names(slots, slot_count);
  for (size_t i = 0; i < features.size(); ++i) {
    auto& known = *features[i]->mutable_names();
    for (std::string& name : found[i]) {
      if (std::find(known.begin(), known.end(), name) == known.end()) known.Add(std::move(name));
    }
  }
}

}  // namespace

uint32_t ReportLimit(uint32_t requested) {
  return requested == 0 ? kDefaultLimit : std::min(requested, kMaxLimit);
}

v1::ListTopWeightsResponse ReportTopWeights(const Learner& learner,
                                            const std::vector<SlotWeight>& top,
                                            const NameFinder& names) {
  v1::ListTopWeightsResponse response;
  std::vector<v1::WeightedFeature*> features;
  for (const SlotWeight& found : top) {
    features.push_back(response.add_features());
    Fill(found.slot, found.weight, *features.back());
  }
  AddNames(names, learner.slot_count(), features);
  response.set_intercept(InterceptOf(learner));
  return response;
}

v1::ExplainResponse ReportExplanation(const Learner& learner, const NameFinder& names,
                                      const ExampleBatch& example, const FeatureNames& own_names,
                                      float score_correction) {
  Explanation explanation = learner.Explain(example, 0);
  std::stable_sort(explanation.contributions.begin(), explanation.contributions.end(),
                   [](const Contribution& a, const Contribution& b) {
                     return std::abs(a.contribution) > std::abs(b.contribution);
                   });
  v1::ExplainResponse response;
  const float served = explanation.score + score_correction;
  response.set_score(served);
  response.set_prediction(learner.Prediction(served));
  response.set_intercept(explanation.intercept + score_correction);
  std::vector<uint32_t> ids;
  std::vector<v1::WeightedFeature*> features;
  for (const Contribution& feature : explanation.contributions) {
    v1::Contribution& out = *response.add_contributions();
    out.set_value(feature.value);
    out.set_contribution(feature.contribution);
    features.push_back(out.mutable_feature());
    ids.push_back(feature.feature_id);
    Fill(static_cast<uint32_t>(feature.feature_id % learner.slot_count()), feature.weight,
         *features.back());
  }
  std::vector<std::vector<std::string>> own = own_names.Find(ids, kAllIds);
  for (size_t i = 0; i < features.size(); ++i) {
    for (std::string& name : own[i]) features[i]->add_names(std::move(name));
  }
  AddNames(names, learner.slot_count(), features);
  return response;
}

v1::CompareSnapshotsResponse ReportChanges(const WeightComparison& comparison, uint64_t slot_count,
                                           const NameFinder& names) {
  v1::CompareSnapshotsResponse response;
  std::vector<v1::WeightedFeature*> features;
  for (const SlotChange& change : comparison.changes) {
    v1::WeightChange& out = *response.add_changes();
    out.set_old_weight(change.old_weight);
    features.push_back(out.mutable_feature());
    Fill(change.slot, change.new_weight, *features.back());
  }
  AddNames(names, slot_count, features);
  response.set_added_count(comparison.added_count);
  response.set_removed_count(comparison.removed_count);
  response.set_changed_count(comparison.changed_count);
  return response;
}

}  // namespace freshet
