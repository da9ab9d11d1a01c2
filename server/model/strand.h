// The writer of one state: does the work on it piece by piece, on a pool of threads.

#ifndef FRESHET_SERVER_MODEL_STRAND_H_
#define FRESHET_SERVER_MODEL_STRAND_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/model/writer_tasks.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// Runs the steps of a derived class, which learn records, and tasks between two steps; never two of
// them at the same time. An idle strand has no thread. A busy one goes to the back of the pool's
// queue after a turn where others wait in it, and keeps itself alive. REQUIRES: owned by a
// shared_ptr.
//
// Thread-safe.
class Strand : public std::enable_shared_from_this<Strand> {
 public:
  virtual ~Strand() = default;

  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

 protected:
  // `pool` must outlive the strand.
  explicit Strand(WorkerPool& pool) : pool_(pool) {}

  // Learns one record, without a lock of the strand held. False if there was none to learn: the
  // strand rests until Wake().
  virtual bool Step() = 0;

  // There may be something to do. Also from within Step().
  void Wake();

  // Runs `task` between two steps, as soon as its share of the time allows (see WriterShare).
  void AddTask(WriterTasks::Task task, WriterShare share);

  // From now on no task is put off.
  void Hurry();

 private:
  void RunTurn();
  // Runs a task or a step; false if there was nothing to do, and the strand rests.
  bool RunOnce();
  void Post() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Ends the turns until Wake(), or until a task that was put off may run.
  void Rest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  WorkerPool& pool_;

  absl::Mutex mu_;
  WriterTasks tasks_ ABSL_GUARDED_BY(mu_);
  bool hurry_ ABSL_GUARDED_BY(mu_) = false;
  bool running_ ABSL_GUARDED_BY(mu_) = false;   // A turn is posted or under way.
  bool woken_ ABSL_GUARDED_BY(mu_) = false;     // Since the last look for something to do.
  bool wakes_up_ ABSL_GUARDED_BY(mu_) = false;  // By itself, for a task that was put off.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_STRAND_H_
