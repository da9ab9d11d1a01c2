// What the threads of the server's process know of its end: whether it was asked for, how far it
// is, and what would be lost if it came now.

#ifndef FRESHET_SERVER_PROCESS_END_H_
#define FRESHET_SERVER_PROCESS_END_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/registry/last_snapshots.h"
#include "server/server.h"
#include "server/signal_thread.h"

namespace freshet {

// The exit code where examples that were acknowledged are lost (EX_IOERR).
inline constexpr int kExitLost = 74;

// Thread-safe. No method blocks but AwaitStop().
class ProcessEnd {
 public:
  // The end takes at most this long beyond drain_grace_s. Then it is forced, which only a disk that
  // hangs should make necessary.
  static constexpr absl::Duration kTimeBeyondGrace = absl::Milliseconds(4500);

  // `drain_grace_s` is in force until there is a server.
  explicit ProcessEnd(uint32_t drain_grace_s) : drain_grace_s_(drain_grace_s) {}

  // For the main thread.

  // From now on the server is told of the end, and asked what is lost. Null: no more.
  void SetServer(Server* server);
  // Waits for a signal that ends the process.
  void AwaitStop();
  // What is done now, for the message of an end that is forced.
  void Enter(std::string_view step);
  // What is lost, now that it is known. The server need not be asked any more.
  void SetLost(const std::vector<LostRecords>& lost);

  // For whoever follows signals: null before there is one, and at the end. The main thread keeps it
  // until nobody follows them any more.
  Server* server() const;

  // For the signal thread; see SignalThread::Actions.
  absl::Duration Stop();
  SignalThread::Ending Overdue();

 private:
  mutable absl::Mutex mu_;
  uint32_t drain_grace_s_ ABSL_GUARDED_BY(mu_);
  Server* server_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool asked_ ABSL_GUARDED_BY(mu_) = false;  // A signal came.
  std::string step_ ABSL_GUARDED_BY(mu_) = "starting";
  std::vector<LostRecords> lost_ ABSL_GUARDED_BY(mu_);  // Where there is no server to ask.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_PROCESS_END_H_
