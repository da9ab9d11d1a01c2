// An answer about the state of a model or of a variant, for all who ask.

#ifndef FRESHET_SERVER_MODEL_SHARED_ANSWER_H_
#define FRESHET_SERVER_MODEL_SHARED_ANSWER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/model/writer_tasks.h"
#include "server/view/model_state.h"

namespace freshet {

// The state's writer computes it once for all who ask before it is done, and it is kept as long as
// the state stays as it is, which its offset tells. So however many ask, the writer has at most one
// computation of it before it.
//
// Thread-safe. Callbacks run on any thread, without a lock held, and must not block.
template <typename Answer, typename State = ModelState>
class SharedAnswer {
 public:
  using Compute = std::function<Answer(const State&)>;
  using Done = std::function<void(const Answer&)>;

  SharedAnswer(WriterShare share, Compute compute) : share_(share), compute_(std::move(compute)) {}

  // Calls `done` with the answer of a state that has at least the records below `offset`, which
  // the writer's state has already. `writer` has RunOnWriter(task, share) as a Pipeline. `owner`
  // owns this object; it is kept alive until then.
  template <typename Writer>
  void Ask(Writer& writer, uint64_t offset, std::shared_ptr<const void> owner, const Done& done) {
    std::shared_ptr<const Answer> known;
    bool begins = false;
    {
      absl::MutexLock lock(&mu_);
      if (answer_ != nullptr && answer_offset_ == offset) {
        known = answer_;
      } else {
        waiting_.push_back(done);
        begins = !std::exchange(asked_, true);
      }
    }
    if (known != nullptr) done(*known);
    if (!begins) return;
    writer.RunOnWriter([this, owner = std::move(owner)](const State& state) { Tell(state); },
                       share_);
  }

 private:
  // On the writer.
  void Tell(const State& state) {
    const auto answer = std::make_shared<const Answer>(compute_(state));
    std::vector<Done> waiting;
    {
      absl::MutexLock lock(&mu_);
      answer_ = answer;
      answer_offset_ = state.offset();
      waiting.swap(waiting_);
      asked_ = false;
    }
    for (const Done& done : waiting) done(*answer);
  }

  const WriterShare share_;
  const Compute compute_;

  absl::Mutex mu_;
  std::shared_ptr<const Answer> answer_ ABSL_GUARDED_BY(mu_);  // Null: none yet.
  uint64_t answer_offset_ ABSL_GUARDED_BY(mu_) = 0;
  bool asked_ ABSL_GUARDED_BY(mu_) = false;  // Whether the writer is to compute it.
  std::vector<Done> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_SHARED_ANSWER_H_
