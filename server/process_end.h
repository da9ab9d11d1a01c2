// The state of the process's shutdown that its threads share: whether a stop was requested, which
// step is running, and which acknowledged records would be lost if the process ended now.

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

// The exit code if acknowledged examples are lost (EX_IOERR).
inline constexpr int kExitLost = 74;

// Thread-safe. Only AwaitStop() blocks.
class ProcessEnd {
 public:
  // Shutdown may take this much longer than drain_grace_s; after that the process is ended by
  // force. Only a disk that hangs should make that necessary.
  static constexpr absl::Duration kTimeBeyondGrace = absl::Milliseconds(4500);

  // `drain_grace_s` applies until SetServer() is called; from then on the server's own value does.
  explicit ProcessEnd(uint32_t drain_grace_s) : drain_grace_s_(drain_grace_s) {}

  // For the main thread.

  // From now on `server` is told about a stop and asked what is lost. Null: there is no server any
  // more.
  void SetServer(Server* server);
  // Blocks until a signal has asked the process to stop.
  void AwaitStop();
  // Records which step is running, for the message that Overdue() returns.
  void Enter(std::string_view step);
  // Records what is finally lost. The server is not asked any more.
  void SetLost(const std::vector<LostRecords>& lost);

  // For the thread that carries out signals: null before the server has started and once it is
  // going away. The main thread keeps the server alive until that thread has ended.
  Server* server() const;

  // For the signal thread; see SignalThread::Actions.
  absl::Duration Stop();
  SignalThread::Ending Overdue();

 private:
  mutable absl::Mutex mu_;
  uint32_t drain_grace_s_ ABSL_GUARDED_BY(mu_);
  Server* server_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool asked_ ABSL_GUARDED_BY(mu_) = false;  // A stop signal came.
  std::string step_ ABSL_GUARDED_BY(mu_) = "starting";
  std::vector<LostRecords> lost_ ABSL_GUARDED_BY(mu_);  // Used when server_ is null.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_PROCESS_END_H_
