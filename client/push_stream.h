// Sends what a Pusher or a FeedbackPusher accepts on one gRPC stream after another.

#ifndef FRESHET_CLIENT_PUSH_STREAM_H_
#define FRESHET_CLIENT_PUSH_STREAM_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/backoff.h"
#include "client/client.h"
#include "client/push_queue.h"
#include "client/pusher.h"
#include "core/thread/steady_mutex.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace freshet {

// What a stream carries: batches for LearningService.Learn, or for LearningService.Feedback.
enum class PushKind { kExamples, kFeedback };

// One call of the server: batches go out, answers come in. One thread may write while another reads
// and applies.
class PushCall {
 public:
  virtual ~PushCall() = default;

  // Writes the batch, and encodes it first unless that was done before. False if the stream is
  // broken.
  virtual bool Write(PendingBatch* batch) = 0;
  // Waits for the next answer. False if none comes any more.
  virtual bool Read() = 0;
  // Applies the answer that Read() got.
  virtual std::optional<PushQueue::Settled> Apply(PushQueue* queue) const = 0;
  virtual void WritesDone() = 0;
  virtual grpc::Status Finish() = 0;
};

// A queue and its two threads: one opens streams, sends and backs off; the other receives on the
// current stream. The methods are those of Pusher. Threads: any number of threads may call them.
class PushStream {
 public:
  static absl::StatusOr<std::unique_ptr<PushStream>> Start(const Client& client,
                                                           std::string_view model,
                                                           PusherOptions options, PushKind kind);
  ~PushStream();
  PushStream(const PushStream&) = delete;
  PushStream& operator=(const PushStream&) = delete;

  PushQueue& queue() { return queue_; }
  const std::string& producer_id() const { return options_.producer_id; }
  absl::Status Close();

 private:
  using Clock = PushQueue::Clock;

  PushStream(const std::shared_ptr<grpc::Channel>& channel, const ClientOptions& client,
             std::string model, PusherOptions options, PushKind kind);

  void Run();
  bool WaitForWork();
  absl::Status RunStream();
  std::unique_ptr<PushCall> Open(grpc::ClientContext* context) const;
  void ReadResponses(const grpc::ClientContext& context, PushCall* call);
  void ReadNameLimit(const grpc::ClientContext& context);
  void Deliver(const PushQueue::Settled& settled) const;
  bool BackOff(const absl::Status& status);
  void SetContext(grpc::ClientContext* context);
  void Join();

  // Constant after construction. The callbacks in options_ are called by the receiving thread only.
  const std::string server_;
  const std::string token_;
  const std::string model_;
  const PusherOptions options_;
  const PushKind kind_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::LearningService::Stub> stub_;

  // Owned by the sending thread.
  Backoff backoff_;
  // How long the server asked to wait when it ended the last stream.
  std::chrono::milliseconds retry_after_{0};
  Clock::time_point failing_since_;

  PushQueue queue_;

  SteadyMutex context_mu_;
  // The context of the current stream; null between streams.
  grpc::ClientContext* context_ ABSL_GUARDED_BY(context_mu_) = nullptr;

  SteadyMutex join_mu_;  // Held while joining sender_.
  std::thread sender_;   // Must be the last member: it uses the others as soon as it starts.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_PUSH_STREAM_H_
