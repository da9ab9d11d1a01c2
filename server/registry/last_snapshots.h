// The snapshots that a server takes of its models at its end, and what is lost without them.

#ifndef FRESHET_SERVER_REGISTRY_LAST_SNAPSHOTS_H_
#define FRESHET_SERVER_REGISTRY_LAST_SNAPSHOTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "server/registry/model_registry.h"
#include "server/thread/steady_clock.h"

namespace freshet {

// What of one model was acknowledged and will not be there at the next start.
struct LostRecords {
  std::string model;           // models/{model}.
  uint64_t record_count = 0;   // Batches, restores and changes; at least 1.
  uint64_t example_count = 0;  // Of the batches; 0 where that is not known.
  std::string reason;          // Why the last snapshot failed; empty where it was not done in time.
};

// Takes the snapshots. The models are stopped (see Pipeline::Stop()), so that these are the last.
class LastSnapshots {
 public:
  explicit LastSnapshots(const ModelRegistry& registry);

  // Snapshots every model that has moved on since its newest snapshot, a few at a time: first those
  // without a log, which lose what they learned since otherwise; then the others, for which the
  // next start would take longer. Returns when all are on disk or have failed, or at `deadline`. Of
  // models with a log none is begun after `soft_deadline`. Failures are logged. Blocks. Call once.
  void Take(SteadyTime soft_deadline, SteadyTime deadline);

  // What is lost if the process ends now, by the models' names. From any thread, at any time, also
  // before Take(); does not block.
  std::vector<LostRecords> Lost() const;

 private:
  struct Progress;

  std::vector<std::shared_ptr<ServedModel>> Changed(bool logged) const;

  const ModelRegistry& registry_;
  const std::shared_ptr<Progress> progress_;  // Shared with callbacks that come too late.
};

// For people: how many examples of which models, and why; of a few models.
std::string DescribeLost(const std::vector<LostRecords>& lost);

}  // namespace freshet

#endif  // FRESHET_SERVER_REGISTRY_LAST_SNAPSHOTS_H_
