// The way of a record through a model: it gets its offset, is logged and learned side by side, and
// is answered when both have passed it.

#ifndef FRESHET_SERVER_MODEL_PIPELINE_H_
#define FRESHET_SERVER_MODEL_PIPELINE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "freshet/v1/model.pb.h"
#include "server/log/log_writer.h"
#include "server/model/sequencer.h"
#include "server/model/strand.h"
#include "server/record/record.h"
#include "server/thread/worker_pool.h"
#include "server/view/model_state.h"
#include "server/view/producer_table.h"

namespace freshet {

// What became of a batch.
struct LearnOutcome {
  absl::Status status;        // OK: acknowledged.
  uint64_t offset = 0;        // The model's offset after the batch.
  bool duplicate = false;     // It had been accepted before, and was not learned again.
  bool rejected = false;      // It was refused, for what `status` says; later ones may be accepted.
  std::vector<float> scores;  // When asked for: before learning, one a row.
  uint64_t skipped = 0;       // Rows not learned, since their update would not have been finite.
};

// The sequencer of one model, and its writer: a strand on the learner pool, so that an idle model
// has no thread and a busy one has a core.
//
// Thread-safe, except that the state is only touched by the strand. Callbacks run without a lock
// held, on any thread, and must not block.
class Pipeline : public Strand {
 public:
  using LearnCallback = std::function<void(LearnOutcome)>;
  using ProducerCallback = std::function<void(absl::StatusOr<ProducerTable::Entry>)>;
  using WriterTask = std::function<void(ModelState&)>;
  // The state has changed by this record; null: it has begun.
  using AppliedCallback = std::function<void(const ModelState& state, const Record* record)>;

  struct Options {
    // Of the memory of batches accepted and not yet answered: what came, what was parsed from it,
    // and the scores.
    uint64_t max_queue_bytes = uint64_t{64} << 20;
    // Counts it for many pipelines, and outlives them. Null: it is not counted.
    std::atomic<uint64_t>* total_queued_bytes = nullptr;
    uint32_t max_producers = ProducerTable::kDefaultCapacity;  // See Sequencer.
    std::function<absl::Time()> clock;
  };

  // Takes over from `state` on. `log` may be null: records are then not logged. `applied` is called
  // on the strand after each change of the state, and once now. `pool` must outlive the pipeline.
  // While the strand has work it keeps the pipeline alive.
  static std::shared_ptr<Pipeline> Start(std::unique_ptr<ModelState> state,
                                         std::shared_ptr<LogWriter> log, WorkerPool& pool,
                                         Options options, AppliedCallback applied);

  // Accepts a batch: gives it the next offset, or finds that it is a duplicate, or rejects it for
  // its producer or sequence (see ProducerTable). `sender` is the name of the token that sent it,
  // empty for anyone. `done` is called once, when the batch is learned and logged. Where the log
  // has a fault, its UNAVAILABLE is the answer of all that is not logged, and nothing more is
  // accepted until the fault is gone; what was accepted before is then logged all the same, and a
  // resend of it is a duplicate. Returns false where the queue is now full: the caller should stop
  // reading from its client until `has_room`, given to NotifyWhenRoom(), is called. REQUIRES:
  // batch->Decode() returned true.
  bool Submit(std::unique_ptr<BatchRecord> batch, LearnCallback done, std::string_view sender = {});
  // The same of events, of feedback, and of a decision about labels, which is rejected with ABORTED
  // where another one came before it. REQUIRES: as ServedModel::TakeEvents(); the rows of the
  // decision were fetched.
  bool SubmitEvents(std::unique_ptr<BatchRecord> rows, v1::EventsNote note, LearnCallback done,
                    std::string_view sender);
  bool SubmitFeedback(FeedbackRecord feedback, LearnCallback done, std::string_view sender);
  void SubmitLabels(LabelsRecord labels, LearnCallback done);

  // What was accepted of a producer (see Sequencer::FindProducer()). `done` is called once all of
  // it is learned and logged, and with an error where that cannot be.
  void FindProducer(std::string_view producer_id, std::string_view sender, ProducerCallback done);

  // See Sequencer::NoteRejected().
  template <typename Request>
  void NoteRejected(const Request& request) {
    const absl::MutexLock lock(&mu_);
    sequencer_.NoteRejected(request);
  }

  // Events that are accepted and not settled.
  uint64_t pending_rows() const {
    const absl::MutexLock lock(&mu_);
    return sequencer_.pending_rows();
  }

  // Whether NotifyWhenRoom() would call at once.
  bool has_room() const {
    const absl::MutexLock lock(&mu_);
    return !full() || !closed_.ok();
  }

  // Calls `has_room` once, as soon as the queue is not full or the pipeline is closed.
  void NotifyWhenRoom(std::function<void()> has_room);

  // Runs `task` on the strand, between two records, when its share allows (see WriterShare). Also
  // after Close(), and then without delay.
  void RunOnWriter(WriterTask task, WriterShare share = WriterShare::kAtOnce) {
    AddTask([this, task = std::move(task)] { task(*state_); }, share);
  }

  // Puts a restore in line with the batches and applies it in its turn. `done` gets the offset
  // after. `restore` is what the record says.
  void SubmitRestore(RestoreRecord restore, std::unique_ptr<ModelState> restored,
                     LearnCallback done);

  // Puts a change of the model's settings in line and applies it in its turn; batches that are
  // accepted after it are logged as it says. `done` gets the offset after.
  // REQUIRES: the log is not to be given up, nor to be begun.
  void SubmitSettings(v1::Model settings, LearnCallback done);

  // Calls `done` once every record below `offset` is logged: with OK, or, where the log has a
  // fault, with that. At once where the model has no log.
  void WhenLogged(uint64_t offset, std::function<void(absl::Status)> done);

  // Accepts no more: what is submitted is then answered with `reason`. What was accepted before is
  // still finished; then `drained` is called, once.
  void Close(absl::Status reason, std::function<void()> drained);

  // For the end of the server, where nobody waits any longer for what is in line. Accepts no more,
  // answers at once with `reason` what is not answered yet, and learns nothing more, but for the
  // record that is being learned. So the state becomes what was acknowledged, and it can be saved:
  // tasks of RunOnWriter() still run, and the log is written as far as the state needs it (what is
  // in it beyond that is learned at the next start, and then known as a duplicate). Does not block.
  void Stop(const absl::Status& reason);

  // Whether Stop() was called.
  bool stopped() const;

  // All records below were answered with OK, up to the call of Stop().
  uint64_t acknowledged_offset() const;

  // What Close() was told; OK before.
  absl::Status closed() const;

  // Accepted, not yet answered.
  uint64_t queued_example_count() const;

  // The records accepted so far, which are all offsets below.
  uint64_t accepted_offset() const;

  // Producers of the batches accepted so far.
  struct ProducerCounts {
    uint64_t known = 0;
    uint64_t forgotten = 0;  // Since the model was created.
  };
  ProducerCounts producer_counts() const;

  // Why the log cannot be written now, so that nothing is accepted; OK where it can.
  absl::Status log_fault() const;

 private:
  // One record under way.
  struct Item {
    Record record;
    std::unique_ptr<ModelState> restored;  // What a restore puts the model back to.
    LearnCallback done;                    // Null: it was answered by Stop().
    LearnOutcome outcome;
    uint64_t memory_bytes = 0;  // Of a batch and its scores.

    uint64_t example_count() const {
      return record.batch() == nullptr ? 0 : record.batch()->examples().size();
    }
  };

  using Callbacks = std::vector<std::function<void()>>;

  Pipeline(std::unique_ptr<ModelState> state, std::shared_ptr<LogWriter> log, WorkerPool& pool,
           Options options, AppliedCallback applied);

  // All records that are learned and logged.
  uint64_t finished_offset() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return std::min(applied_offset_, logged_offset_);
  }
  void OnLogged(uint64_t offset);
  void OnLogFault(absl::Status fault);
  // Why nothing is accepted now; OK where it is.
  absl::Status Refusal() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return closed_.ok() ? fault_ : closed_;
  }
  // What Submit() does, of a record that `accept` takes from the sequencer unless the verdict of
  // `judge` is against it; `score_count` scores may be returned.
  template <typename Judge, typename Accept>
  bool SubmitJudged(size_t score_count, LearnCallback done, const Judge& judge,
                    const Accept& accept);
  // Accepts a record that is always new.
  template <typename Body>
  void SubmitRare(Body body, std::unique_ptr<ModelState> restored, LearnCallback done);
  // Puts a record that the sequencer has accepted in line for the log and the strand.
  void Enqueue(std::unique_ptr<Item> item) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CountQueued(const Item& item, bool added) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool full() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return queued_bytes_ >= options_.max_queue_bytes;
  }
  // Takes out what can be answered, and what waited for it.
  void CollectFinished(Callbacks& callbacks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // For Stop(): takes the callbacks of all that was to be answered.
  void CollectUnanswered(const absl::Status& reason, Callbacks& callbacks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Step() override;
  void Apply(Item& item);

  const Options options_;
  const std::shared_ptr<LogWriter> log_;  // Null: no log.
  const AppliedCallback applied_callback_;

  std::unique_ptr<ModelState> state_;  // Owned by the strand.

  mutable absl::Mutex mu_;
  // The records accepted and not yet answered, in the order of their offsets. The first one's
  // offset (after it) is answered_offset_ + 1. Offsets below are all of this kind: records counted.
  std::deque<std::unique_ptr<Item>> items_ ABSL_GUARDED_BY(mu_);
  uint64_t answered_offset_ ABSL_GUARDED_BY(mu_);
  uint64_t applied_offset_ ABSL_GUARDED_BY(mu_);
  uint64_t logged_offset_ ABSL_GUARDED_BY(mu_);  // Without a log: what is accepted.
  Sequencer sequencer_ ABSL_GUARDED_BY(mu_);
  // Duplicates of batches that are still under way, by the offset that they wait for.
  std::multimap<uint64_t, LearnCallback> waiting_duplicates_ ABSL_GUARDED_BY(mu_);
  std::multimap<uint64_t, std::function<void(absl::Status)>> waiting_for_log_ ABSL_GUARDED_BY(mu_);
  std::vector<std::function<void()>> room_waiters_ ABSL_GUARDED_BY(mu_);
  uint64_t queued_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t queued_examples_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status closed_ ABSL_GUARDED_BY(mu_);  // OK while open.
  absl::Status fault_ ABSL_GUARDED_BY(mu_);   // Of the log; OK while it can be written.
  std::function<void()> drained_ ABSL_GUARDED_BY(mu_);
  bool applying_ ABSL_GUARDED_BY(mu_) = false;  // The strand is at the record applied_offset_.
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t acknowledged_at_stop_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_PIPELINE_H_
