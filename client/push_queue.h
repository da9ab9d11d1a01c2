// The queue between the callers of a Pusher or FeedbackPusher and the stream that sends what they
// push.

#ifndef FRESHET_CLIENT_PUSH_QUEUE_H_
#define FRESHET_CLIENT_PUSH_QUEUE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/example.h"
#include "client/push_window.h"
#include "client/pusher.h"
#include "core/feature/example_batch.h"
#include "core/feature/new_names.h"
#include "core/thread/steady_mutex.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// Gathers examples, events or feedback into batches, makes callers wait while the window is full,
// and hands the batches to one stream after another until they are acknowledged.
//
// The first error is final: every later call returns it, and streams get no more batches. Batches
// in flight may still be acknowledged.
//
// A queue is used either for examples and events, or for feedback. Items of feedback count as
// examples.
//
// Threads: any number of threads may call the methods for callers. Each stream has one sending and
// one receiving thread.
class PushQueue {
 public:
  using Clock = std::chrono::steady_clock;

  // What a response of the server has settled.
  struct Settled {
    std::vector<RejectedRow> rejected;
    std::vector<std::shared_ptr<PendingBatch>> done;  // In the order in which they were pushed.
  };

  // `options` must outlive the queue.
  explicit PushQueue(const PusherOptions& options);

  // For callers. Flush(), stats(), status() and what pushes are those of Pusher and FeedbackPusher.

  absl::Status Push(const Example& example);
  absl::Status PushEvent(const Example& example, std::string_view event_id,
                         std::optional<int64_t> time_ms);
  absl::Status PushBatch(const ExampleBatchBuilder& batch, RowNumbers numbers = {},
                         EventColumns events = {});
  absl::Status PushFeedback(const v1::FeedbackItem& item);
  absl::Status PushFeedback(std::span<const v1::FeedbackItem> items, RowNumbers numbers);
  absl::Status Flush();
  absl::StatusOr<bool> FlushFor(std::chrono::milliseconds timeout);
  bool WaitForRoom(std::chrono::milliseconds timeout);
  // Accepts no more examples. Streams still get those accepted before.
  void Close();
  // Ends everything at once, with `status` unless there was an error before. From then on no method
  // waits.
  void Cancel(absl::Status status);
  PusherStats stats() const;
  absl::Status status() const;

  // For the sending thread.

  // Waits until there is something to send. Returns false if there never will be again.
  bool WaitForWork();
  // Whether there is something to send, so that WaitForWork() would return true at once.
  bool HasWork() const;
  // Starts a new stream: NextBatch() first returns the batches that the previous stream left
  // unacknowledged. Returns false after Cancel().
  bool BeginStream();
  // Waits for the next batch for the stream; returns null if the stream should end. The caller may
  // encode and write the batch until it calls EndWrite().
  std::shared_ptr<PendingBatch> NextBatch();
  // Tells the queue that the batch is encoded, and whether it has been written (`ok`).
  void EndWrite(PendingBatch* batch, bool ok);
  // Whether the server has answered all batches that were sent.
  bool AllAnswered() const;
  // Tells the queue that the stream failed. Returns true if the server has answered since the
  // previous failure, or if this is the first failure.
  bool Disconnected();
  // Ends the queue with `status`, unless there was an error before.
  void Fail(absl::Status status);
  // Waits until `time` and returns true; returns false, without waiting any longer, once the queue
  // has ended.
  bool WaitUntil(Clock::time_point time);

  // For the receiving thread.

  // Sets how many names of features the server keeps for each model.
  void SetNameLimit(size_t limit) { name_limit_ = limit; }
  // Applies a response of the server and returns what it settled; nothing after Cancel().
  std::optional<Settled> Apply(const v1::LearnResponse& response);
  std::optional<Settled> Apply(const v1::FeedbackResponse& response);
  // Tells the queue that the callbacks for `settled` have returned. Flush() waits for that.
  void Delivered(Settled settled);
  // Tells the queue that no more responses come on this stream, so that NextBatch() returns null.
  void EndStream();

 private:
  bool HasWorkLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t Unacknowledged() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<bool> FlushUntil(Clock::time_point deadline);
  absl::Status WaitForRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  size_t OpenCount() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::shared_ptr<PendingBatch> NewOpenBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Gathered(bool is_full) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SealOpenBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status AddFilled(std::shared_ptr<PendingBatch> pending) ABSL_LOCKS_EXCLUDED(mu_);
  std::optional<Settled> ApplyAnswer(const v1::LearnResponse& response,
                                     const v1::FeedbackResponse* feedback);
  void EncodeNames(std::span<const std::string> namespaces, NewNames* names,
                   PendingBatch* batch) const;
  void FailLocked(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WakeAll();

  const PusherOptions& options_;

  // How many names the server keeps for each model, as it says with its first response.
  std::atomic<size_t> name_limit_{NewNames::kDefaultLimit};

  mutable SteadyMutex mu_;
  SteadyCondition work_;     // Wakes the sending thread: something to send, or the end.
  SteadyCondition space_;    // Wakes callers: room in the window, examples done, or the end.
  SteadyCondition written_;  // Wakes the receiving thread: a write has returned, or the end.
  PushWindow window_ ABSL_GUARDED_BY(mu_);
  // What Push() and the like gather. Its builder is not null.
  std::shared_ptr<PendingBatch> open_ ABSL_GUARDED_BY(mu_);
  NewNames names_ ABSL_GUARDED_BY(mu_);                // Names of features that Push() added.
  Clock::time_point open_until_ ABSL_GUARDED_BY(mu_);  // When open_ is sent, if it has rows.
  std::unique_ptr<ExampleBatchBuilder> spare_builder_ ABSL_GUARDED_BY(mu_);
  uint64_t pushed_ ABSL_GUARDED_BY(mu_) = 0;     // Examples.
  uint64_t delivered_ ABSL_GUARDED_BY(mu_) = 0;  // Examples done whose callbacks have returned.
  int waiting_count_ ABSL_GUARDED_BY(mu_) = 0;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  PusherStats stats_ ABSL_GUARDED_BY(mu_);
  bool stream_ended_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t writing_sequence_ ABSL_GUARDED_BY(mu_) = 0;  // 0: no write is under way.
  // Whether the server has answered since a stream last failed; true before the first failure.
  bool answered_ ABSL_GUARDED_BY(mu_) = true;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_PUSH_QUEUE_H_
