#ifndef FRESHET_SERVER_RUNTIME_LOW_PRIORITY_H_
#define FRESHET_SERVER_RUNTIME_LOW_PRIORITY_H_

#include <functional>

namespace freshet {

// Runs `work` to its end on a thread that gets little of the processors while others want them: for
// what takes long and must not hold up learning. Blocks.
void RunAtLowPriority(const std::function<void()>& work);

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_LOW_PRIORITY_H_
