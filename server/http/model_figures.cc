#include "server/http/model_figures.h"

#include <utility>

#include "server/thread/steady_clock.h"

namespace freshet {

std::vector<ModelFigures::Figures> ModelFigures::Gather(absl::Duration patience) {
  const SteadyTime deadline = SteadyClock::System().After(patience);
  struct Asked {
    std::shared_ptr<ServedModel> runtime;
    std::shared_ptr<Entry> entry;
  };
  std::vector<Asked> all;
  std::vector<Asked> to_ask;
  const std::shared_ptr<const ModelRegistry::ModelMap> models = registry_.models();
  {
    const SteadyLock lock(&shared_->mu);
    std::map<std::string, std::shared_ptr<Entry>> entries;  // Without deleted models.
    for (const auto& [id, runtime] : *models) {
      std::shared_ptr<Entry>& entry = entries[id];
      const auto known = shared_->entries.find(id);
      if (known != shared_->entries.end() && known->second->runtime.lock() == runtime) {
        entry = known->second;
      } else {
        entry = std::make_shared<Entry>();
        entry->runtime = runtime;
      }
      all.push_back({runtime, entry});
      if (std::exchange(entry->asked, true)) continue;
      ++shared_->asked_count;
      to_ask.push_back({runtime, entry});
    }
    shared_->entries = std::move(entries);
  }
  for (const Asked& asked : to_ask) {
    asked.runtime->Describe(
        [shared = shared_, entry = asked.entry](absl::StatusOr<v1::Model> model) {
          const SteadyLock lock(&shared->mu);
          if (model.ok()) entry->answer = std::make_shared<const v1::Model>(*std::move(model));
          entry->asked = false;
          if (--shared->asked_count == 0) shared->all_answered.NotifyAll();
        });
  }
  const SteadyLock lock(&shared_->mu);
  while (shared_->asked_count != 0 && SteadyClock::System().Now() < deadline) {
    shared_->all_answered.WaitUntil(shared_->mu, deadline);
  }
  std::vector<Figures> figures;
  for (const Asked& asked : all) {
    if (asked.entry->answer != nullptr) figures.push_back({asked.runtime, asked.entry->answer});
  }
  return figures;
}

}  // namespace freshet
