// The answers of one stream of pushed messages, and what depends on them: when it reads, and when
// it ends.

#ifndef FRESHET_SERVER_SERVICE_PUSH_ANSWERS_H_
#define FRESHET_SERVER_SERVICE_PUSH_ANSWERS_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// Writes answers in the order in which their slots were added, whatever the order in which they are
// finished. Acknowledgements that are waiting to be written are merged into one. Reading pauses
// while too many answers are outstanding or unread.
//
// `Response` is v1.LearnResponse or v1.FeedbackResponse.
//
// Thread-safe. Starts gRPC's operations while its lock is held, so that their order is right;
// starting one only queues it in gRPC.
template <typename Response>
class PushAnswers {
 public:
  using Stream = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  // The answer to a request that was read. The caller fills in the slot and then finishes it.
  struct Slot {
    bool mergeable = false;  // A plain acknowledgement, which a later one can replace.
    bool continues = false;  // Same producer as the request before, with a higher sequence.
    Response response;

   private:
    friend class PushAnswers;
    bool ready_ = false;
    size_t reserved_bytes_ = 0;
  };

  // `stream` owns this object; `context` is gRPC's and lives as long as the stream. Keeps
  // references to both, and to `method`, the name of the method, for errors.
  PushAnswers(Stream& stream, grpc::CallbackServerContext& context, std::string_view method);

  // Starts to read the next message into `buffer`, which must live as long as the stream. If too
  // many answers are outstanding or unread, does so once enough of them are written; if the stream
  // is about to end, never.
  void ReadNext(grpc::ByteBuffer& buffer);

  // Adds the slot for the answer to the request that was read last. The stream then ends only after
  // this answer, unless EndNow() is called. The slot lives until it is removed or its answer is
  // written.
  Slot* Add();
  // Removes the slot that was added last, whose request gets no answer. REQUIRES: not finished.
  void RemoveLast();
  // Counts `bytes`, the estimated size of an answer with predictions, among those unread.
  void Reserve(Slot* slot, size_t bytes);
  // Writes the answer as soon as those before it are written. The slot must not be used afterwards.
  void Finish(Slot* slot);

  // Ends the stream with `status` once all slots are finished and written, unless it is due to end
  // already.
  void End(absl::Status status);
  // Ends the stream with `status` without waiting for answers; an earlier EndNow() takes
  // precedence.
  void EndNow(absl::Status status);
  // Cancels the call, for example because the client does not read the answers that the end waits
  // for. gRPC then calls the stream's OnCancel(). Does nothing once the stream has ended.
  void Cancel();

  // To be called when gRPC has written an answer or could not.
  void OnWriteDone(bool ok);

  // Whether every request that was read is answered.
  bool is_empty() const;
  // Whether the stream ends without waiting for answers, or has ended.
  bool ends_at_once() const;

 private:
  bool holds_too_much() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes the next answer if one is ready, or ends the stream if it is due to end.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The next answer to write, with those that it covers merged into it; null if none is ready.
  std::unique_ptr<Slot> TakeReady() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetEndNow(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FinishStream() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Stream& stream_;
  grpc::CallbackServerContext& context_;
  const std::string_view method_;

  grpc::ByteBuffer write_buffer_;  // Owned by the write in progress.

  mutable absl::Mutex mu_;
  std::deque<std::unique_ptr<Slot>> slots_ ABSL_GUARDED_BY(mu_);
  size_t reserved_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // Sum over all slots.
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  // What to read into as soon as reading resumes; null if it is not paused.
  grpc::ByteBuffer* paused_read_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;   // Ends once all slots are finished and written,
  bool end_now_ ABSL_GUARDED_BY(mu_) = false;  // or without waiting for that.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_PUSH_ANSWERS_H_
