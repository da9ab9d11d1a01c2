// The work of long calls, done in short turns.

#ifndef FRESHET_SERVER_THREAD_TURN_QUEUE_H_
#define FRESHET_SERVER_THREAD_TURN_QUEUE_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// One turn of some work: tells when it is over.
class Turn {
 public:
  explicit Turn(std::chrono::steady_clock::duration length)
      : end_(std::chrono::steady_clock::now() + length) {}

  // A look at the clock: for work that has done some tens of microseconds since the last one.
  bool is_over() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  const std::chrono::steady_clock::time_point end_;
};

// Threads of its own for what takes long and needs nothing but a processor, so that gRPC's threads
// stay free for short calls.
//
// Everybody gets turns: clients one after the other, and of each client its pieces of work one
// after the other, kStartedWork of them at a time. So a client that asks for much waits for itself
// first, and what is begun, which may take much memory, is bounded by the number of clients.
//
// Thread-safe.
class TurnQueue {
 public:
  // Does a part of the work, until the turn is over; what cannot be divided may take longer. True:
  // there is more to do, and it is called again, perhaps on another thread. It must not block, and
  // looks for itself whether its caller is gone.
  using Work = std::function<bool(const Turn&)>;

  // `name` names the threads, 11 characters at most. REQUIRES: thread_count >= 1.
  TurnQueue(const std::string& name, int thread_count) : pool_(name, thread_count) {}

  // Does all the work that there is to its end.
  ~TurnQueue() = default;

  TurnQueue(const TurnQueue&) = delete;
  TurnQueue& operator=(const TurnQueue&) = delete;

  // `client` is any name for who wants the work done.
  void Add(const std::string& client, Work work);

  // The threads, to be ended together with others: see WorkerPool::EndAll().
  WorkerPool& pool() { return pool_; }

 private:
  static constexpr size_t kStartedWork = 4;
  static constexpr std::chrono::milliseconds kTurnLength{2};

  struct Client {
    std::deque<Work> started;      // Waits for a turn; may have had some.
    std::deque<Work> not_started;  // Waits until there are fewer of those.
    size_t started_count = 0;      // With those whose turn it is.
    bool in_line = false;          // Whether it stands in line_.
  };

  // Gives one turn to whose it is. Posted to the pool once for each piece of work in `started`.
  void RunTurn();
  void Start(const std::string& name, Client& client, Work work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Puts the client into the line unless it is there or has nothing that waits for a turn.
  void LineUp(const std::string& name, Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  std::map<std::string, Client> clients_ ABSL_GUARDED_BY(mu_);  // Those with work.
  std::deque<std::string> line_ ABSL_GUARDED_BY(mu_);           // Whose turn is next.

  WorkerPool pool_;  // Last: its threads end before the rest goes.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_TURN_QUEUE_H_
