// The snapshots that a server takes of its models when it stops, and what is lost without them.

#ifndef FRESHET_SERVER_REGISTRY_LAST_SNAPSHOTS_H_
#define FRESHET_SERVER_REGISTRY_LAST_SNAPSHOTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "server/registry/model_registry.h"
#include "server/thread/steady_clock.h"

namespace freshet {

// Acknowledged records of one model that will be missing at the next start.
struct LostRecords {
  std::string model;           // models/{model}.
  uint64_t record_count = 0;   // Batches, restores and changes of settings; at least 1.
  uint64_t example_count = 0;  // In the batches; 0 if unknown.
  std::string reason;          // Why the last snapshot failed; empty if it was not done in time.
};

// Takes the last snapshots of models that were stopped (see Pipeline::Stop()).
class LastSnapshots {
 public:
  explicit LastSnapshots(const ModelRegistry& registry);

  // Snapshots every model that has changed since its newest snapshot, a few at a time: first models
  // without a log, which would lose what they have learned since; then the others, whose next start
  // would only take longer. Begins no snapshot of a model with a log after `soft_deadline`. Returns
  // when all are on disk or have failed, or at `deadline`. Logs failures. Blocks. Call once.
  void Take(SteadyTime soft_deadline, SteadyTime deadline);

  // What is lost if the process ends now, in the order of the models' names. May be called from any
  // thread at any time, also before Take(). Does not block.
  std::vector<LostRecords> Lost() const;

 private:
  struct Progress;

  std::vector<std::shared_ptr<ServedModel>> Changed(bool logged) const;

  const ModelRegistry& registry_;
  const std::shared_ptr<Progress> progress_;  // Shared with callbacks that may come after the end.
};

// Says how much of which models is lost, and why. Names only the first few models.
std::string DescribeLost(const std::vector<LostRecords>& lost);

}  // namespace freshet

#endif  // FRESHET_SERVER_REGISTRY_LAST_SNAPSHOTS_H_
