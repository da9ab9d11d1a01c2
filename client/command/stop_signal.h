// Turns SIGINT (Ctrl-C) and SIGTERM into a flag, so that a command can stop in good order.

#ifndef FRESHET_CLIENT_COMMAND_STOP_SIGNAL_H_
#define FRESHET_CLIENT_COMMAND_STOP_SIGNAL_H_

#include <atomic>

namespace freshet {

// From now on the first SIGINT or SIGTERM sets the returned flag, which the command must poll; a
// second one more than 200 ms later ends the process at once. A signal interrupts blocking system
// calls (EINTR).
const std::atomic<bool>& CatchStopSignals();

// The signal that set the flag: SIGINT or SIGTERM; 0 as long as it is not set.
int StopSignal();

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_STOP_SIGNAL_H_
