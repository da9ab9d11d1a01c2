// One Learn stream.

#ifndef FRESHET_SERVER_SERVICE_LEARN_STREAM_H_
#define FRESHET_SERVER_SERVICE_LEARN_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "freshet/v1/learning_service.pb.h"
#include "server/access/caller.h"
#include "server/codec/decoded_batch.h"
#include "server/model/served_model.h"
#include "server/record/batch_record.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/thread/steady_clock.h"
#include "server/thread/turn_queue.h"

namespace freshet {

// Reads requests one at a time, hands them to the model's pipeline, and writes the answers in the
// order of the requests; acknowledgements that wait are written as one.
//
// What takes long to parse or to check, large messages and those of which the model makes many
// features, is done in turns with other long calls; the next message is read after that.
//
// A message that came while the model's queue is full is not parsed before there is room, so that
// the queue holds no more than its limit and what was parsed meanwhile, whatever the number of
// streams. Reading pauses while the queue is full or while too many requests are unanswered or
// answers unread, so that neither a slow model nor a client that reads no answers takes memory: the
// stream's own flow control then holds the client back.
//
// Deletes itself when gRPC and all batches under way are done with it.
class LearnStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // `gone` is called last, when the stream has ended. What `caller` may do is asked of `gate` with
  // every request, so that a token that is withdrawn ends its streams; its limits count for
  // `client`. `context` is gRPC's and lives as long.
  LearnStream(const CallGate& gate, Caller caller, std::string client,
              grpc::CallbackServerContext& context, ModelRegistry& registry, TurnQueue& turns,
              BatchLimits limits, std::function<void()> gone);

  // Starts reading. Call once, after construction.
  void Start();

  // Ends the stream with `status` when what was read so far has been answered.
  void End(absl::Status status);

  // Ends the stream where nothing came since `time`.
  void EndIfIdleSince(SteadyTime time);

  // Ends the stream where its token was withdrawn, or may no longer push to its model. Called again
  // on a stream that has not ended since, as of a client that reads no answers, it cuts that off.
  void EndIfWithdrawn();

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // A request that was read and whose answer has not been written.
  struct Slot {
    bool ready = false;
    bool mergeable = false;  // A plain acknowledgement, which a later one covers.
    bool continues = false;  // Of the producer of the request before it, with a higher sequence.
    v1::LearnResponse response;
    size_t answer_bytes = 0;  // About what a long answer takes, or will take.
  };

  // The message that was read last, on its way to the model's pipeline.
  struct Incoming {
    enum class Stage { kParse, kDecode, kCount, kSubmit };

    Stage stage = Stage::kParse;
    std::vector<grpc::Slice> bytes;
    std::unique_ptr<BatchRecord> message;  // Null until it is parsed.
    Slot* slot = nullptr;                  // Null until there is one.
  };

  // Whether it takes long to parse and check what was read.
  bool IsLong();
  // Does the next part of what there is to do with `incoming_`: of counting, as much as a few
  // features take. False where that is done, and the next message is read or will be.
  bool HandleMore();
  // The same until it is done, in turns with others, or until the stream is cut off.
  void HandleInTurns();
  bool ends_at_once();
  // These end in HandleMore()'s result.
  bool Parse();
  // Answers a batch that is too large to be parsed, as `reason` says.
  bool AnswerTooLarge(const absl::Status& reason);
  // Where the model's queue is full: goes on in turns when there is room.
  bool MustWaitForRoom();
  bool Decode();
  bool Count();
  void Submit();
  // Answers the message with what is wrong with its batch, and reads on.
  void AnswerBad();
  // Ends the stream without answering the message.
  void Refuse(absl::Status status);
  absl::Status CheckRequest(const v1::LearnRequest& request);
  // Finds the model of the first request, where the caller may push to it.
  absl::Status OpenModel(const v1::LearnRequest& request);
  // Whether it still may.
  absl::Status CheckStillAllowed();
  Slot* AddSlot();
  // What the answer to a request is to be like.
  void DescribeSlot(const v1::LearnRequest& request, Slot& slot);
  void FinishSlot(Slot* slot, LearnOutcome outcome);
  // Answers that the batch was refused.
  void Reject(const absl::Status& status, Slot* slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ReadMore();
  // Whether so much waits for the client to read it that reading pauses.
  bool holds_too_much() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes the next answer if one is ready, or ends the stream if it is to end. It starts gRPC's
  // operations under the lock, which only puts them in gRPC's queue: their order is what the lock
  // is for.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FinishNow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndNow(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::unique_ptr<Slot> TakeReadySlot() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Ref();
  void Unref();

  const CallGate& gate_;
  const std::string client_;
  grpc::CallbackServerContext& context_;
  ModelRegistry& registry_;
  TurnQueue& turns_;
  const BatchLimits limits_;
  const std::function<void()> gone_;
  const Caller opener_;  // As it was when the stream began.

  // Owned by the reading side: OnReadDone and what it calls, and the turns that it leads to.
  grpc::ByteBuffer read_buffer_;
  Incoming incoming_;
  Caller caller_;
  std::shared_ptr<ServedModel> model_;
  // The champion that the message at hand was decoded for.
  std::shared_ptr<const ServedVariant> served_;
  std::string model_name_;
  std::string last_producer_;  // Of the last request.
  uint64_t last_sequence_ = 0;

  grpc::ByteBuffer write_buffer_;  // Owned by the write under way.

  std::atomic<SteadyTime> last_read_;  // When something came last.

  absl::Mutex mu_;
  std::string opened_model_ ABSL_GUARDED_BY(mu_);  // As model_name_.
  bool withdrawn_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::unique_ptr<Slot>> slots_ ABSL_GUARDED_BY(mu_);
  size_t answer_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // Of all slots.
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool read_paused_ ABSL_GUARDED_BY(mu_) =
      false;                                   // Too many slots; resumed as answers are written.
  bool ending_ ABSL_GUARDED_BY(mu_) = false;   // Once all that was read is answered,
  bool end_now_ ABSL_GUARDED_BY(mu_) = false;  // or without that.
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mu_);
  int references_ ABSL_GUARDED_BY(mu_) = 1;  // gRPC's own, and one for each callback under way.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_LEARN_STREAM_H_
