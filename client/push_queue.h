// Between those who push and the stream that sends.

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
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/example.h"
#include "client/push_window.h"
#include "client/pusher.h"
#include "core/feature/example_batch.h"
#include "core/feature/new_names.h"
#include "core/thread/steady_mutex.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// Gathers examples into batches, holds callers back while the window is full, and gives the batches
// to one stream after the other until they are acknowledged.
//
// Ends with the first error, which stays: callers get it, and streams get no more batches. What is
// in flight may still be acknowledged.
//
// Threads: callers may be any number. A stream has two, one that sends and one that receives.
class PushQueue {
 public:
  using Clock = std::chrono::steady_clock;

  // What an answer of the server has settled.
  struct Settled {
    std::vector<RejectedRow> rejected;
    std::vector<std::shared_ptr<PendingBatch>> done;  // In the order they were pushed.
  };

  // `options` must outlive the queue.
  explicit PushQueue(const PusherOptions& options);

  // For callers; see Pusher.

  absl::Status Push(const Example& example);
  absl::Status PushBatch(const ExampleBatchBuilder& batch);
  absl::Status Flush();
  // Takes no more. Streams still get what was taken.
  void Close();
  // Ends everything at once. No method waits from then on.
  void Cancel(absl::Status status);
  PusherStats stats() const;
  absl::Status status() const;

  // For the sending thread.

  // Waits for something to send. False at the end of everything.
  bool WaitForWork();
  // Whether WaitForWork() would not wait.
  bool HasWork() const;
  // From now on batches are for a new stream, those first that the one before left unacknowledged.
  // False once everything is cancelled.
  bool BeginStream();
  // The next batch for the stream, waited for; null where the stream is to end. The batch is the
  // caller's to encode and write until EndWrite().
  std::shared_ptr<PendingBatch> NextBatch();
  // The batch is encoded, and has been written (`ok`) or could not be.
  void EndWrite(PendingBatch* batch, bool ok);
  // Whether everything that was sent has been answered.
  bool AllAnswered() const;
  // The stream failed. Whether the server had answered since the one before failed, or none had.
  bool Disconnected();
  // The first error ends the queue.
  void Fail(absl::Status status);
  // Waits until `time`; false, and at once, where the queue has ended.
  bool WaitUntil(Clock::time_point time);

  // For the receiving thread.

  // Each model of the server keeps so many names.
  void SetNameLimit(size_t limit) { name_limit_ = limit; }
  // Applies an answer of the server. Nothing once everything is cancelled.
  std::optional<Settled> Apply(const v1::LearnResponse& response);
  // What was settled has been told to whom it concerns.
  void Delivered(Settled settled);
  // No more answers come on this stream: NextBatch() gives none.
  void EndStream();

 private:
  bool HasWorkLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t Unacknowledged() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status WaitForRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SealOpenBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EncodeNames(std::span<const std::string> namespaces, NewNames* names,
                   PendingBatch* batch) const;
  void FailLocked(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WakeAll();

  const PusherOptions& options_;

  // Of each model, as the server says with its first answer.
  std::atomic<size_t> name_limit_{NewNames::kDefaultLimit};

  mutable SteadyMutex mu_;
  SteadyCondition work_;     // For the sending thread: something to send, or an end.
  SteadyCondition space_;    // For callers: room in the window, things delivered, an end.
  SteadyCondition written_;  // For the receiving thread: a write has returned.
  PushWindow window_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<ExampleBatchBuilder> open_ ABSL_GUARDED_BY(mu_);  // What Push() gathers.
  NewNames names_ ABSL_GUARDED_BY(mu_);                             // Of its features.
  Clock::time_point open_until_ ABSL_GUARDED_BY(mu_);  // When open_ is sent, if it has rows.
  std::unique_ptr<ExampleBatchBuilder> spare_builder_ ABSL_GUARDED_BY(mu_);
  uint64_t pushed_ ABSL_GUARDED_BY(mu_) = 0;     // Examples.
  uint64_t delivered_ ABSL_GUARDED_BY(mu_) = 0;  // Examples done, their callbacks returned.
  int waiting_count_ ABSL_GUARDED_BY(mu_) = 0;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  PusherStats stats_ ABSL_GUARDED_BY(mu_);
  bool stream_ended_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t writing_sequence_ ABSL_GUARDED_BY(mu_) = 0;  // 0: no write is under way.
  bool answered_ ABSL_GUARDED_BY(mu_) = true;           // Since the last failure of a stream.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_PUSH_QUEUE_H_
