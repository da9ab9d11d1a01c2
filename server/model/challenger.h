// A variant that follows the champion through the log, at its own pace.

#ifndef FRESHET_SERVER_MODEL_CHALLENGER_H_
#define FRESHET_SERVER_MODEL_CHALLENGER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/model/event_loader.h"
#include "server/model/log_follower.h"
#include "server/model/predictor.h"
#include "server/record/record.h"
#include "server/thread/worker_pool.h"
#include "server/view/variant.h"

namespace freshet {

// The strand of one challenger; see LogFollower. Thread-safe.
class Challenger : public LogFollower {
 public:
  struct Options {
    LogFollower::Options follower;
    // The variant as the snapshot of a restore has it; blocks on the disk. Lives as long as the
    // challenger, and must not keep the model alive.
    std::function<absl::StatusOr<std::unique_ptr<Variant>>(const RestoreRecord&)> load_restored;
  };

  // `variant` has no records that the champion does not have, which stands at `champion_offset`.
  // The strand runs on `pool`, and what blocks on the disk on `io`; both outlive the challenger.
  static std::shared_ptr<Challenger> Start(std::unique_ptr<Variant> variant,
                                           uint64_t champion_offset, WorkerPool& pool,
                                           WorkerPool& io, Options options);

  // What the challenger predicts with, at this moment. Waits for nobody.
  VariantView Now() const { return predictor_.Now(); }

  // Runs `task` on the strand between two records, when its share allows (see WriterShare).
  void RunOnWriter(std::function<void(const Variant&)> task, WriterShare share) {
    AddTask([this, task = std::move(task)] { task(*variant_); }, share);
  }

  // Calls `saved` with the variant's part of a snapshot: as it is when it has the records below
  // `offset`, if it comes there from memory alone; else as it is now. `offset` is the champion's.
  void Save(uint64_t offset, std::function<void(SavedPart)> saved);

 private:
  struct PendingSave {
    uint64_t offset = 0;
    std::function<void(SavedPart)> saved;
  };

  Challenger(std::unique_ptr<Variant> variant, uint64_t champion_offset, WorkerPool& pool,
             WorkerPool& io, Options options);

  absl::Status ApplyEntry(Entry& entry) override;
  absl::Status CompleteEntry(Entry& entry) override;
  // Saves the variant for whom it is due.
  bool DoOtherWork() override;
  std::vector<PendingSave> TakeDueSaves();

  const std::function<absl::StatusOr<std::unique_ptr<Variant>>(const RestoreRecord&)>
      load_restored_;

  const std::unique_ptr<Variant> variant_;  // Owned by the strand.
  Predictor predictor_;                     // Published by the strand.
  EventLoader loader_;                      // Owned by CompleteEntry().

  absl::Mutex saves_mu_;
  std::vector<PendingSave> saves_ ABSL_GUARDED_BY(saves_mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_CHALLENGER_H_
