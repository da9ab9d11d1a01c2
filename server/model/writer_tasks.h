// What a model's writer does beside learning, and when it is the turn of that.

#ifndef FRESHET_SERVER_MODEL_WRITER_TASKS_H_
#define FRESHET_SERVER_MODEL_WRITER_TASKS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>

namespace freshet {

// How much of the writer's time a task may take. The tasks of a kind run in order.
enum class WriterShare {
  kAtOnce,  // It runs as soon as the record under way is learned.
  kBrief,   // Figures of the state. All tasks of the kind together take a tenth of the time.
  kLong,    // What goes over the whole state. They take another tenth.
};

// A queue of tasks that leaves the writer to records for nine times as long as a task of a limited
// kind took, before the next one of that kind runs. Records have had the time whether there were
// any to learn or not: a client that sends its next batch when the last one is acknowledged leaves
// pauses, in which a task that was always let in would take all the time there is.
//
// Not thread-safe. Who owns it tells it how the time went; it looks at no clock.
class WriterTasks {
 public:
  using Task = std::function<void()>;
  using Duration = std::chrono::steady_clock::duration;
  using Time = std::chrono::steady_clock::time_point;

  struct Turn {
    Task task;  // Null: no task may run now.
    WriterShare share = WriterShare::kAtOnce;
  };

  void Add(Task task, WriterShare share) { QueueOf(share).push_back(std::move(task)); }

  bool empty() const;

  // Takes out the task whose turn it is. With `hurry`, none is put off.
  Turn Take(bool hurry);

  // A task of that share ran for so long.
  void Ran(WriterShare share, Duration duration);

  // Whether a task would be put off now, so that it matters how the time goes.
  bool owes_time() const { return owed_ != std::array<Duration, kShares>{}; }
  // Records were learned for so long.
  void Learned(Duration duration);
  // Between these, the writer had nothing to do.
  void BeginRest(Time now) { rest_begin_ = now; }
  void EndRest(Time now);

  // How long the writer has to rest until a task may run. REQUIRES: !empty().
  Duration RestNeeded() const;

 private:
  static constexpr size_t kShares = 3;
  // What records have for each unit of time that a task took.
  static constexpr int kLearningPart = 9;

  std::deque<Task>& QueueOf(WriterShare share) { return queues_[static_cast<size_t>(share)]; }

  std::array<std::deque<Task>, kShares> queues_;
  std::array<Duration, kShares> owed_{};  // To records, before the next task of the share.
  Time rest_begin_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_WRITER_TASKS_H_
