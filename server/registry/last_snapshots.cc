#include "server/registry/last_snapshots.h"

#include <cstddef>
#include <map>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// How many snapshots are under way at a time. Each is a copy of a state, and takes as much memory
// as its model.
constexpr size_t kMaxUnderWay = 4;

// How many models a message names.
constexpr size_t kMaxNamed = 20;

uint64_t ExamplesInNewestSnapshot(const ServedModel& model) {
  uint64_t count = 0;
  for (const v1::SnapshotFileHeader& header : model.ListSnapshots()) {
    if (header.snapshot().trigger() == v1::SNAPSHOT_TRIGGER_IMPORT) continue;
    count = header.snapshot().example_count();  // The newest comes last.
  }
  return count;
}

}  // namespace

struct LastSnapshots::Progress {
  SteadyMutex mu;
  SteadyCondition changed;
  size_t under_way ABSL_GUARDED_BY(mu) = 0;
  std::map<std::string, std::string> failures ABSL_GUARDED_BY(mu);  // By the models' names.
};

LastSnapshots::LastSnapshots(const ModelRegistry& registry)
    : registry_(registry), progress_(std::make_shared<Progress>()) {}

std::vector<std::shared_ptr<ServedModel>> LastSnapshots::Changed(bool logged) const {
  std::vector<std::shared_ptr<ServedModel>> changed;
  for (const auto models = registry_.models(); const auto& [id, model] : *models) {
    if (model->has_log() == logged && model->HasNewRecords()) changed.push_back(model);
  }
  return changed;
}

void LastSnapshots::Take(SteadyTime soft_deadline, SteadyTime deadline) {
  SteadyClock& clock = SteadyClock::System();
  // Waits until fewer than `count` are under way; false if that takes until `limit`.
  const auto await_fewer = [&](size_t count, SteadyTime limit) {
    const SteadyLock lock(&progress_->mu);
    while (progress_->under_way >= count && clock.Now() < limit) {
      clock.WaitUntil(progress_->changed, progress_->mu, limit);
    }
    return progress_->under_way < count;
  };
  for (const bool logged : {false, true}) {
    const SteadyTime limit = logged ? soft_deadline : deadline;
    for (const std::shared_ptr<ServedModel>& model : Changed(logged)) {
      if (clock.Now() >= limit || !await_fewer(kMaxUnderWay, limit)) break;
      {
        const SteadyLock lock(&progress_->mu);
        ++progress_->under_way;
      }
      model->CreateSnapshot(
          "", v1::SNAPSHOT_TRIGGER_SHUTDOWN,
          [model, progress = progress_](const absl::StatusOr<v1::Snapshot>& snapshot) {
            if (!snapshot.ok()) model->LogSnapshotFailure(snapshot.status());
            const SteadyLock lock(&progress->mu);
            if (!snapshot.ok()) {
              progress->failures[model->name()] = std::string(snapshot.status().message());
            }
            --progress->under_way;
            progress->changed.NotifyAll();
          });
    }
  }
  await_fewer(1, deadline);
}

std::vector<LostRecords> LastSnapshots::Lost() const {
  std::vector<LostRecords> all;
  for (const auto models = registry_.models(); const auto& [id, model] : *models) {
    const uint64_t acknowledged = model->acknowledged_offset();
    const uint64_t safe = model->SafeOffset();
    if (acknowledged <= safe) continue;
    LostRecords lost;
    lost.model = model->name();
    lost.record_count = acknowledged - safe;
    const uint64_t examples = model->Champion().variant->learner->example_count();
    const uint64_t saved = ExamplesInNewestSnapshot(*model);
    if (!model->has_log() && examples > saved) lost.example_count = examples - saved;
    const SteadyLock lock(&progress_->mu);
    const auto failure = progress_->failures.find(lost.model);
    if (failure != progress_->failures.end()) lost.reason = failure->second;
    all.push_back(std::move(lost));
  }
  return all;
}

std::string DescribeLost(const std::vector<LostRecords>& lost) {
  std::string text;
  for (size_t i = 0; i < lost.size() && i < kMaxNamed; ++i) {
    const LostRecords& model = lost[i];
    text += StrCat(text.empty() ? "" : "; ", model.model, ": ", model.record_count,
                   model.record_count == 1 ? " record" : " records");
    if (model.example_count > 0) text += StrCat(" (", model.example_count, " examples)");
    text += StrCat(", ", model.reason.empty() ? "no snapshot was done in time" : model.reason);
  }
  if (lost.size() > kMaxNamed) text += StrCat("; and ", lost.size() - kMaxNamed, " more models");
  return text;
}

}  // namespace freshet
