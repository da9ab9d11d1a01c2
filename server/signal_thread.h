// The thread that takes the signals of the process, and sees to it that it ends when it is told to.

#ifndef FRESHET_SERVER_SIGNAL_THREAD_H_
#define FRESHET_SERVER_SIGNAL_THREAD_H_

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "absl/time/time.h"

namespace freshet {

// SIGHUP reloads. The first SIGTERM or SIGINT asks for the end; the second, or the end of the time
// that the first one left, ends the process at once. The thread does nothing else, so that nothing
// can keep it from that: it reads and writes no files, and its last words are dropped rather than
// waited for where nobody reads standard error.
class SignalThread {
 public:
  // How a process ends that did not end by itself in time.
  struct Ending {
    int exit_code = 0;
    std::string message;  // One line, in the format of the log.
  };

  // Called on the thread, and must not block.
  struct Actions {
    std::function<void()> reload;                    // Not called once the process is to end.
    std::function<absl::Duration(int signal)> stop;  // Called once; how long the end may take.
    std::function<Ending()> overdue;                 // That time is over.
  };

  // Blocks the signals for the calling thread, and for all that it starts from now on. To be called
  // before there are any.
  static void BlockSignals();

  // REQUIRES: BlockSignals() was called.
  explicit SignalThread(Actions actions);

  // Takes no more signals. They stay blocked.
  ~SignalThread();

  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  void Run();

  const Actions actions_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SIGNAL_THREAD_H_
