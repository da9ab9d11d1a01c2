// How the threads of the server share the processors when there are more threads than processors.
//
// Uses calls of Linux that need no privileges. On systems without a call, or if a sandbox forbids
// it, does nothing; the server's log reports each refused call once.

#ifndef FRESHET_SERVER_THREAD_THREAD_PRIORITY_H_
#define FRESHET_SERVER_THREAD_THREAD_PRIORITY_H_

#include <functional>

namespace freshet {

// Lets the calling thread give way to threads of normal priority: for threads that work off queues
// while others answer calls. Permanent, because a process without privileges cannot raise a
// priority again.
void GiveWay();

// Gives the calling thread, and those that it starts from now on, short time slices. A thread that
// wakes up for a moment then need not wait for the end of another one's long slice. Its share stays
// the same.
void TakeShortTurns();

// Runs `work` to its end on a thread that gets little processor time while others want it: for work
// that takes long and must not hold up learning. Blocks.
void RunAtLowPriority(const std::function<void()>& work);

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_THREAD_PRIORITY_H_
