#include "server/model/writer_tasks.h"

#include <algorithm>
#include <utility>

namespace freshet {

bool WriterTasks::empty() const {
  return std::all_of(queues_.begin(), queues_.end(),
                     [](const std::deque<Task>& queue) { return queue.empty(); });
}

WriterTasks::Turn WriterTasks::Take(bool hurry) {
  for (size_t i = 0; i < kShares; ++i) {
    if (queues_[i].empty() || (owed_[i] > Duration::zero() && !hurry)) continue;
    Turn turn{.task = std::move(queues_[i].front()), .share = static_cast<WriterShare>(i)};
    queues_[i].pop_front();
    return turn;
  }
  return {};
}

void WriterTasks::Ran(WriterShare share, Duration duration) {
  if (share != WriterShare::kAtOnce) owed_[static_cast<size_t>(share)] += kLearningPart * duration;
}

void WriterTasks::Learned(Duration duration) {
  for (Duration& owed : owed_) owed = std::max(owed - duration, Duration::zero());
}

void WriterTasks::EndRest(Time now) {
  if (owes_time()) Learned(now - rest_begin_);
}

WriterTasks::Duration WriterTasks::RestNeeded() const {
  Duration least = Duration::max();
  for (size_t i = 0; i < kShares; ++i) {
    if (!queues_[i].empty()) least = std::min(least, owed_[i]);
  }
  return least;
}

}  // namespace freshet
