// The handling of one stream of pushed messages: Learn or Feedback.

#ifndef FRESHET_SERVER_SERVICE_PUSH_STREAM_H_
#define FRESHET_SERVER_SERVICE_PUSH_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/access/caller.h"
#include "server/codec/decoded_batch.h"
#include "server/model/served_model.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/service/push_answers.h"
#include "server/thread/steady_clock.h"
#include "server/thread/turn_queue.h"

namespace freshet {

// What a service asks of its open streams, whatever they carry. Thread-safe.
class OpenStream {
 public:
  // Ends the stream with `status` once all requests read so far have been answered.
  virtual void End(absl::Status status) = 0;

  // Ends the stream if no message has come since `time`.
  virtual void EndIfIdleSince(SteadyTime time) = 0;

  // Ends the stream if its token was withdrawn or may no longer push to its model. If the stream
  // has not ended by the next call, for example because the client reads no answers, cancels it.
  virtual void EndIfWithdrawn() = 0;

 protected:
  ~OpenStream() = default;
};

// Reads requests one at a time and hands them to the model's pipeline. PushAnswers writes the
// answers in the order of the requests. `Protocol` says what a request is, and how it is checked,
// submitted and answered: LearnProtocol or FeedbackProtocol.
//
// Messages that take long to parse or check, because they are large or because the model makes many
// features of them, are handled in turns with other long calls; only then is the next message read.
//
// A message that arrives while the model's queue is full is not parsed until there is room. So the
// queue exceeds its limit only by what was being parsed when it filled up, whatever the number of
// streams. Reading pauses while the queue is full, or while too many requests are unanswered or
// answers unread, so that neither a slow model nor a client that reads no answers uses up memory:
// the stream's flow control then holds the client back.
//
// Deletes itself when gRPC and all batches in progress are done with it.
template <typename Protocol>
class PushStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                         public OpenStream {
 public:
  // `gone` is called last, when the stream has ended. The permissions of `caller` are checked again
  // with every request, so that withdrawing a token ends its streams. Limits are counted for
  // `client`. Keeps references to the other arguments; `context` is gRPC's and lives as long as the
  // stream.
  PushStream(const CallGate& gate, Caller caller, std::string client,
             grpc::CallbackServerContext& context, ModelRegistry& registry, TurnQueue& turns,
             BatchLimits limits, std::function<void()> gone);

  // Starts reading. Call once, after construction.
  void Start();

  void End(absl::Status status) override;
  void EndIfIdleSince(SteadyTime time) override;
  void EndIfWithdrawn() override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  using Request = typename Protocol::Request;
  using Message = typename Protocol::Message;
  using Answers = PushAnswers<typename Protocol::Response>;
  using Slot = typename Answers::Slot;

  // The last message read, on its way to the model's pipeline.
  struct Incoming {
    enum class Stage {
      kParse,
      kCheck,
      kCheckMore,  // The check has begun, and takes long.
    };

    Stage stage = Stage::kParse;
    std::vector<grpc::Slice> bytes;
    std::unique_ptr<Message> message;  // Null until parsed.
    Slot* slot = nullptr;              // Null until added.
  };

  // Does the next part of the work on `incoming_`, which is short. Returns false once the work is
  // done and the next message is being read or will be.
  bool HandleMore();
  // Calls HandleMore() in turns with other long calls until the work is done or the stream is cut
  // off.
  void HandleInTurns();
  // The stages of HandleMore(), with the same result.
  bool Parse();
  // Answers a message that is too large to be parsed with the error `reason`. Returns false.
  bool AnswerTooLarge(const absl::Status& reason);
  // If the model's queue is full, returns true and arranges that handling goes on when there is
  // room.
  bool MustWaitForRoom();
  bool Check();
  void Submit();
  // Answers the message with the error in its slot, and reads the next message.
  void AnswerBad();
  // Ends the stream without answering the message.
  void Refuse(absl::Status status);
  absl::Status CheckRequest(const Request& request);
  // Finds the model that the first request names, and checks that the caller may push to it.
  absl::Status OpenModel(const Request& request);
  // Checks that the caller may still push to the model.
  absl::Status CheckStillAllowed();
  // Sets the fields of `slot` that depend only on the request.
  void DescribeSlot(const Request& request, Slot& slot);
  void FinishSlot(Slot* slot, LearnOutcome outcome);
  // Makes the answer an error, because the message was refused.
  void Reject(const absl::Status& status, Slot* slot);
  void ReadMore();
  void Ref();
  void Unref();

  const CallGate& gate_;
  const std::string client_;
  ModelRegistry& registry_;
  TurnQueue& turns_;
  const BatchLimits limits_;
  const std::function<void()> gone_;
  const Caller opener_;  // The caller when the stream began.

  Answers answers_;

  // Owned by the reading side: OnReadDone(), what it calls, and the turns that it posts.
  grpc::ByteBuffer read_buffer_;
  Incoming incoming_;
  Caller caller_;
  std::shared_ptr<ServedModel> model_;
  std::string model_name_;
  std::string last_producer_;  // Producer of the last request.
  uint64_t last_sequence_ = 0;

  std::atomic<SteadyTime> last_read_;  // When the last message came.

  absl::Mutex mu_;
  std::string opened_model_ ABSL_GUARDED_BY(mu_);  // A copy of model_name_.
  bool withdrawn_ ABSL_GUARDED_BY(mu_) = false;
  int references_ ABSL_GUARDED_BY(mu_) = 1;  // gRPC's own, and one for each callback in progress.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_PUSH_STREAM_H_
