// Threads that do the work of long calls in short turns.

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

// One turn of a piece of work, which tells when it is over.
class Turn {
 public:
  explicit Turn(std::chrono::steady_clock::duration length)
      : end_(std::chrono::steady_clock::now() + length) {}

  // Reads the clock, so call it only every few tens of microseconds.
  bool is_over() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  const std::chrono::steady_clock::time_point end_;
};

// Has its own threads for work that takes long and needs only a processor, so that gRPC's threads
// stay free for short calls.
//
// Turns go round: to one client after the other, and within a client to one of its pieces of work
// after the other, of which at most kStartedWork are started. So a client that asks for much mostly
// waits for itself, and the number of clients bounds the amount of started work, which may take
// much memory.
//
// Thread-safe.
class TurnQueue {
 public:
  // Does a part of the work, until the turn is over; a part that cannot be divided may take longer.
  // Returns true if there is more to do; it is then called again, perhaps on another thread. It
  // must not block, and has to check for itself whether its caller is gone.
  using Work = std::function<bool(const Turn&)>;

  // `name` names the threads, 11 characters at most. REQUIRES: thread_count >= 1.
  TurnQueue(const std::string& name, int thread_count) : pool_(name, thread_count) {}

  // Completes all work that was added.
  ~TurnQueue() = default;

  TurnQueue(const TurnQueue&) = delete;
  TurnQueue& operator=(const TurnQueue&) = delete;

  // Adds a piece of work for the client of this name.
  void Add(const std::string& client, Work work);

  // The threads, so that they can be ended together with other pools; see WorkerPool::EndAll().
  WorkerPool& pool() { return pool_; }

 private:
  static constexpr size_t kStartedWork = 4;
  static constexpr std::chrono::milliseconds kTurnLength{2};

  struct Client {
    std::deque<Work> started;      // Waits for its next turn.
    std::deque<Work> not_started;  // Waits until fewer pieces are started.
    size_t started_count = 0;      // Includes those whose turn it is.
    bool in_line = false;          // Whether the client is in line_.
  };

  // Gives one turn to the next in line. Posted to the pool once for each piece of work in
  // `started`.
  void RunTurn();
  void Start(const std::string& name, Client& client, Work work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Adds the client to line_ unless it is there or has no work that waits for a turn.
  void LineUp(const std::string& name, Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  std::map<std::string, Client> clients_ ABSL_GUARDED_BY(mu_);  // Clients with work.
  std::deque<std::string> line_ ABSL_GUARDED_BY(mu_);           // Whose turn is next.

  WorkerPool pool_;  // The last member, so that its threads end before the others are destroyed.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_TURN_QUEUE_H_
