// The thread that handles the signals of the process and makes sure that a stop takes effect in
// time.

#ifndef FRESHET_SERVER_SIGNAL_THREAD_H_
#define FRESHET_SERVER_SIGNAL_THREAD_H_

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "absl/time/time.h"

namespace freshet {

// SIGHUP reloads. The first SIGTERM or SIGINT asks the process to stop; a second one ends it at
// once, and so does a stop that takes longer than the first signal allowed. The thread does nothing
// else, so that nothing can delay it: it reads and writes no files, and if nobody reads standard
// error its last message is dropped instead of waited for.
class SignalThread {
 public:
  // How to end a process that did not stop in time.
  struct Ending {
    int exit_code = 0;
    std::string message;  // One line, in the format of the log.
  };

  // Called on the signal thread; must not block.
  struct Actions {
    std::function<void()> reload;                    // Not called once a stop was asked for.
    std::function<absl::Duration(int signal)> stop;  // Called once; returns how long the stop may
                                                     // take.
    std::function<Ending()> overdue;                 // That time is over; ends the process.
  };

  // Blocks the signals in the calling thread and in all threads that it starts from now on. Call it
  // before any other thread exists.
  static void BlockSignals();

  // REQUIRES: BlockSignals() was called.
  explicit SignalThread(Actions actions);

  // Stops handling signals. They stay blocked.
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
