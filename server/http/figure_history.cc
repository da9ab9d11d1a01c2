#include "server/http/figure_history.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr char kFields[] =
    R"(["t","examples","offset","logged","snapshot","loss","baseLoss","auc","error","queued","labels"])";

}  // namespace

void FigureHistory::Sample(const ModelRegistry& registry) {
  const std::shared_ptr<const ModelRegistry::ModelMap> models = registry.models();
  std::vector<std::shared_ptr<ServedModel>> moved_on;
  {
    const absl::MutexLock lock(&mu_);
    std::map<std::string, Asked, std::less<>> asked;  // Without deleted models.
    for (const auto& [id, runtime] : *models) {
      Asked& entry = asked[id];
      const auto known = asked_.find(id);
      if (known != asked_.end() && known->second.runtime.lock() == runtime) {
        entry = known->second;
      } else {
        // A new model, or one created again under the id of a deleted one: the old samples are not
        // its.
        entry = {.runtime = runtime};
        samples_.erase(id);
      }
      const uint64_t offset = runtime->offset();
      if (offset == entry.offset || entry.waiting) continue;
      entry.offset = offset;
      entry.waiting = true;
      moved_on.push_back(runtime);
    }
    asked_ = std::move(asked);
    for (auto it = samples_.begin(); it != samples_.end();) {
      it = asked_.contains(it->first) ? std::next(it) : samples_.erase(it);
    }
  }
  for (const std::shared_ptr<ServedModel>& runtime : moved_on) {
    runtime->Describe(
        [self = shared_from_this(), id = runtime->id()](absl::StatusOr<v1::Model> model) {
          if (model.ok()) self->Add(id, *model);
          const absl::MutexLock lock(&self->mu_);
          const auto asked = self->asked_.find(id);
          if (asked != self->asked_.end()) asked->second.waiting = false;
        });
  }
}

FigureHistory::Figures FigureHistory::FiguresOf(const v1::Model& model, absl::Time now) {
  Figures sample = {.time_ms = absl::ToUnixMillis(now),
                    .examples = model.example_count(),
                    .offset = model.offset(),
                    .logged_offset = model.storage().logged_offset(),
                    .snapshot_offset = model.storage().snapshot_offset(),
                    .queued_examples = model.queued_example_count()};
  if (model.has_labels()) {
    const v1::LabelFigures& labels = model.labels();
    sample.labels = {.pending = labels.pending_count(),
                     .held = labels.held_count(),
                     .matched = labels.matched_count(),
                     .defaulted = labels.defaulted_count(),
                     .dropped = labels.dropped_count(),
                     .corrected = labels.corrected_count(),
                     .late = labels.late_count(),
                     .expired = labels.expired_count(),
                     .unmatched = labels.unmatched_count()};
  }
  for (const v1::Variant& variant : model.variants()) {
    const v1::ProgressiveMetrics& metrics = variant.metrics();
    if (!variant.champion() || metrics.example_count() == 0) continue;
    sample.loss = metrics.decayed_loss();
    sample.base_rate_loss = metrics.decayed_base_rate_loss();
    if (metrics.has_auc()) sample.auc = metrics.auc();
    if (metrics.window().has_auc()) sample.auc = metrics.window().auc();
    if (metrics.has_mean_absolute_error()) {
      sample.mean_absolute_error = metrics.mean_absolute_error();
    }
  }
  return sample;
}

void FigureHistory::Add(const std::string& model_id, const v1::Model& model) {
  const Figures sample = FiguresOf(model, options_.clock());
  const absl::MutexLock lock(&mu_);
  std::deque<Figures>& samples = samples_[model_id];
  samples.push_back(sample);
  if (samples.size() > options_.max_samples) samples.pop_front();
  if (samples_.size() <= options_.max_models) return;
  samples_.erase(
      std::min_element(samples_.begin(), samples_.end(), [](const auto& a, const auto& b) {
        return a.second.back().time_ms < b.second.back().time_ms;
      }));
}

std::string FigureHistory::LabelJson(const std::optional<LabelCounts>& labels) {
  if (!labels) return "null";
  JsonObject counts;
  const auto add = [&](std::string_view name, uint64_t count) {
    counts.AddJson(name, std::to_string(count));
  };
  add("pending", labels->pending);
  add("held", labels->held);
  add("matched", labels->matched);
  add("defaulted", labels->defaulted);
  add("dropped", labels->dropped);
  add("corrected", labels->corrected);
  add("late", labels->late);
  add("expired", labels->expired);
  add("unmatched", labels->unmatched);
  return counts.ToString();
}

std::string FigureHistory::Json(std::string_view model_id) const {
  std::string rows;
  const absl::MutexLock lock(&mu_);
  const auto known = samples_.find(model_id);
  if (known != samples_.end()) {
    for (const Figures& s : known->second) {
      rows += StrCat(rows.empty() ? "" : ",", "[", s.time_ms, ",", s.examples, ",", s.offset, ",",
                     s.logged_offset, ",", s.snapshot_offset, ",", JsonNumber(s.loss), ",");
      rows += StrCat(JsonNumber(s.base_rate_loss), ",", JsonNumber(s.auc), ",",
                     JsonNumber(s.mean_absolute_error), ",", s.queued_examples, ",",
                     LabelJson(s.labels), "]");
    }
  }
  JsonObject history;
  history.AddJson("now", std::to_string(absl::ToUnixMillis(options_.clock())));
  history.AddJson("fields", kFields).AddJson("samples", StrCat("[", rows, "]"));
  return history.ToString() + "\n";
}

}  // namespace freshet
