// Ctrl-C and SIGTERM, asked for politely.

#ifndef FRESHET_CLIENT_COMMAND_STOP_SIGNAL_H_
#define FRESHET_CLIENT_COMMAND_STOP_SIGNAL_H_

#include <atomic>

namespace freshet {

// From now on the first SIGINT or SIGTERM sets the returned flag, which the command looks at to end
// in good order; the second ends the process at once. Interrupts blocking reads.
const std::atomic<bool>& CatchStopSignals();

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_STOP_SIGNAL_H_
