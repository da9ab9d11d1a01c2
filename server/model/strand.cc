#include "server/model/strand.h"

#include <chrono>
#include <utility>

#include "absl/time/time.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

// What a strand does before it goes to the back of the pool's queue where others wait in it, so
// that a busy model does not keep them waiting: so many steps or tasks, or as many as take this
// long.
constexpr int kStepsPerTurn = 16;
constexpr Clock::duration kTurn = std::chrono::milliseconds(5);

}  // namespace

void Strand::Wake() {
  const absl::MutexLock lock(&mu_);
  Post();
}

void Strand::AddTask(WriterTasks::Task task, WriterShare share) {
  const absl::MutexLock lock(&mu_);
  tasks_.Add(std::move(task), share);
  Post();
}

void Strand::Hurry() {
  const absl::MutexLock lock(&mu_);
  hurry_ = true;
  Post();
}

void Strand::Post() {
  woken_ = true;
  if (running_) return;
  running_ = true;
  if (tasks_.owes_time()) tasks_.EndRest(Clock::now());
  pool_.Post([self = shared_from_this()] { self->RunTurn(); });
}

void Strand::RunTurn() {
  do {
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < kStepsPerTurn && Clock::now() - begin < kTurn; ++i) {
      if (!RunOnce()) return;
    }
  } while (!pool_.has_waiting_tasks());
  pool_.Post([self = shared_from_this()] { self->RunTurn(); });
}

bool Strand::RunOnce() {
  WriterTasks::Turn turn;
  bool is_timed = false;
  {
    const absl::MutexLock lock(&mu_);
    woken_ = false;
    turn = tasks_.Take(hurry_);
    is_timed = turn.task != nullptr || tasks_.owes_time();
  }
  const Clock::time_point begin = is_timed ? Clock::now() : Clock::time_point();
  if (turn.task != nullptr) {
    turn.task();
    const absl::MutexLock lock(&mu_);
    tasks_.Ran(turn.share, Clock::now() - begin);
    return true;
  }
  if (Step()) {
    if (is_timed) {
      const absl::MutexLock lock(&mu_);
      tasks_.Learned(Clock::now() - begin);
    }
    return true;
  }
  const absl::MutexLock lock(&mu_);
  if (woken_) return true;
  Rest();
  return false;
}

void Strand::Rest() {
  running_ = false;
  if (!tasks_.owes_time()) return;
  tasks_.BeginRest(Clock::now());
  if (tasks_.empty() || wakes_up_) return;
  wakes_up_ = true;
  pool_.PostAfter(absl::FromChrono(tasks_.RestNeeded()), [self = shared_from_this()] {
    const absl::MutexLock lock(&self->mu_);
    self->wakes_up_ = false;
    self->Post();
  });
}

}  // namespace freshet
