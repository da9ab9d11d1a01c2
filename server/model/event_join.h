// The strand of a model's join of events with what happened to them.

#ifndef FRESHET_SERVER_MODEL_EVENT_JOIN_H_
#define FRESHET_SERVER_MODEL_EVENT_JOIN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/label_rule.pb.h"
#include "server/join/label_join.h"
#include "server/model/event_loader.h"
#include "server/model/log_follower.h"
#include "server/model/pipeline.h"
#include "server/record/record.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// Lets the join follow the champion (see LogFollower), and holds its pen: when events are due by
// the clock, it fetches their rows from the log and submits the decision as a record like any
// other. A decision takes effect, for the join as for the variants, when its record is applied; so
// one decision is under way at a time, and the next one is made once the join has seen it.
//
// Thread-safe.
class EventJoin : public LogFollower {
 public:
  struct Options {
    LogFollower::Options follower;
    std::function<absl::Time()> clock;
    // Puts a decision into the log; see Pipeline::SubmitLabels().
    std::function<void(LabelsRecord, Pipeline::LearnCallback)> submit;
    // The records accepted so far; see Pipeline::accepted_offset().
    std::function<uint64_t()> accepted_offset;
    // Decisions that were accepted before: none is made until the join has them all.
    uint64_t labels_number = 0;
  };

  // `join` has no records that the champion does not have, which stands at `champion_offset`. The
  // strand runs on `io`, since the join writes to the disk. `io` outlives this object.
  static std::shared_ptr<EventJoin> Start(std::unique_ptr<LabelJoin> join, uint64_t champion_offset,
                                          WorkerPool& io, Options options);

  // See LabelJoin. These read the disk, beside the strand.
  absl::StatusOr<v1::Event> Find(std::string_view event_id) const { return join_->Find(event_id); }
  absl::StatusOr<LabelJoin::Page> List(v1::EventState state, int page_size,
                                       std::string_view page_token) const {
    return join_->List(state, page_size, page_token);
  }

  // Fills in what the join knows. Does not block.
  void FillFigures(v1::LabelFigures& figures) const;

  // See v1.LabelFigures.pending_bytes. Does not block.
  uint64_t pending_bytes() const { return join_->pending_bytes(); }

  // What the join has taken in survives a power loss from now on. Blocks on the disk.
  absl::Status Sync();
  // The log is needed from this offset on, to bring the join up to date after a power loss.
  uint64_t synced_offset() const { return synced_offset_; }

 private:
  EventJoin(std::unique_ptr<LabelJoin> join, uint64_t champion_offset, WorkerPool& io,
            Options options);

  // Only records that are logged: after a crash the log must have all that the join has.
  bool MayApply(uint64_t offset) override;
  absl::Status ApplyEntry(Entry& entry) override;
  uint64_t NextOffset() const override { return join_->offset(); }
  absl::Status CompleteEntry(Entry& /*entry*/) override { return absl::OkStatus(); }
  // Makes the next decision if one is due.
  bool DoOtherWork() override;
  // The time by which events are due. While the join lacks records that were accepted, it is that
  // of the last one that it has: feedback that came in time may stand in the next ones, however
  // long ago that was.
  int64_t Now() const;
  // How many rows a decision has at most, so that their features fit into memory.
  uint64_t MaxRows() const;
  // Fetches the rows of a decision, and submits it. On `io`.
  void Submit(std::shared_ptr<const v1::LabelsNote> note);
  void EndDecision(const v1::LabelsNote& note, const LearnOutcome& outcome);
  // Wakes the strand when the clock may have come to `time_ms`.
  void WakeAt(int64_t time_ms, int64_t now_ms);
  void WakeAfter(absl::Duration pause);

  const Options options_;
  const uint64_t start_offset_;  // Where the champion stood when the join began to follow it.
  WorkerPool& io_;
  std::atomic<uint64_t> synced_offset_;
  const std::unique_ptr<LabelJoin> join_;  // Written by the strand.

  std::atomic<uint64_t> logged_offset_;  // Records below are logged, as far as it is known.
  std::atomic<bool> awaits_log_{false};  // WhenLogged() will call.

  int64_t last_record_ms_ = 0;  // Owned by the strand. Of the last record since the start.

  // Owned by the decision under way.
  EventLoader loader_;

  absl::Mutex decision_mu_;
  bool deciding_ ABSL_GUARDED_BY(decision_mu_) = false;
  uint64_t awaited_number_ ABSL_GUARDED_BY(decision_mu_);
  bool wake_is_due_ ABSL_GUARDED_BY(decision_mu_) = false;  // WakeAfter() waits for its pause.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_EVENT_JOIN_H_
