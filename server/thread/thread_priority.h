// How the threads of the server share the processors where there are not enough for all.
//
// Linux's ways, which need no rights. Where the system knows one of them not, or a sandbox forbids
// it, nothing changes; the first time for each call the log says so.

#ifndef FRESHET_SERVER_THREAD_THREAD_PRIORITY_H_
#define FRESHET_SERVER_THREAD_THREAD_PRIORITY_H_

#include <functional>

namespace freshet {

// Lets the calling thread give way to those of normal priority: for what works off queues, while
// others answer calls. For good: a process without rights cannot raise a priority again.
void GiveWay();

// Lets the calling thread, and those that it starts from now on, run in short turns: what wakes up
// for a short turn does not wait for the end of another's long one. Takes no larger share.
void TakeShortTurns();

// Runs `work` to its end on a thread that gets little of the processors while others want them: for
// what takes long and must not hold up learning. Blocks.
void RunAtLowPriority(const std::function<void()>& work);

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_THREAD_PRIORITY_H_
