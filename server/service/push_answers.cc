#include "server/service/push_answers.h"

#include <google/protobuf/message_lite.h>

#include <string_view>
#include <utility>

#include "server/service/call_gate.h"
#include "server/service/call_origin.h"
#include "server/service/grpc_status.h"

namespace freshet {
namespace {

// How many requests of a stream may wait for their answers to be written.
constexpr size_t kMaxUnansweredRequests = 1024;

// How many bytes answers with predictions may have that wait to be written.
constexpr size_t kMaxAnswerBytes = size_t{8} << 20;

grpc::ByteBuffer SerializeAnswer(const google::protobuf::MessageLite& response) {
  grpc::Slice slice(response.ByteSizeLong());
  response.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return {&slice, 1};
}

}  // namespace

template <typename Response>
PushAnswers<Response>::PushAnswers(Stream& stream, grpc::CallbackServerContext& context,
                                   std::string_view method)
    : stream_(stream), context_(context), method_(method) {}

template <typename Response>
void PushAnswers<Response>::ReadNext(grpc::ByteBuffer& buffer) {
  absl::MutexLock lock(&mu_);
  if (ending_ || ended_) return;
  if (holds_too_much()) {
    paused_read_ = &buffer;
    return;
  }
  stream_.StartRead(&buffer);
}

template <typename Response>
bool PushAnswers<Response>::holds_too_much() const {
  return slots_.size() >= kMaxUnansweredRequests || reserved_bytes_ >= kMaxAnswerBytes;
}

template <typename Response>
typename PushAnswers<Response>::Slot* PushAnswers<Response>::Add() {
  absl::MutexLock lock(&mu_);
  slots_.push_back(std::make_unique<Slot>());
  return slots_.back().get();
}

template <typename Response>
void PushAnswers<Response>::RemoveLast() {
  absl::MutexLock lock(&mu_);
  slots_.pop_back();
}

template <typename Response>
void PushAnswers<Response>::Reserve(Slot* slot, size_t bytes) {
  absl::MutexLock lock(&mu_);
  slot->reserved_bytes_ = bytes;
  reserved_bytes_ += bytes;
}

template <typename Response>
void PushAnswers<Response>::Finish(Slot* slot) {
  absl::MutexLock lock(&mu_);
  slot->ready_ = true;
  Advance();
}

template <typename Response>
void PushAnswers<Response>::End(absl::Status status) {
  absl::MutexLock lock(&mu_);
  if (!ending_) {
    ending_ = true;
    end_status_ = std::move(status);
  }
  Advance();
}

template <typename Response>
void PushAnswers<Response>::EndNow(absl::Status status) {
  absl::MutexLock lock(&mu_);
  SetEndNow(std::move(status));
  Advance();
}

template <typename Response>
void PushAnswers<Response>::SetEndNow(absl::Status status) {
  if (end_now_) return;
  end_now_ = true;
  ending_ = true;
  end_status_ = std::move(status);
}

template <typename Response>
void PushAnswers<Response>::Cancel() {
  absl::MutexLock lock(&mu_);
  if (ended_) return;    // gRPC's context may be gone by now.
  context_.TryCancel();  // OnCancel() comes on another thread, so the lock may be held here.
}

template <typename Response>
void PushAnswers<Response>::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mu_);
  writing_ = false;
  if (!ok) SetEndNow(absl::CancelledError("the client is gone"));
  Advance();
}

template <typename Response>
bool PushAnswers<Response>::is_empty() const {
  absl::MutexLock lock(&mu_);
  return slots_.empty();
}

template <typename Response>
bool PushAnswers<Response>::ends_at_once() const {
  absl::MutexLock lock(&mu_);
  return end_now_ || ended_;
}

template <typename Response>
std::unique_ptr<typename PushAnswers<Response>::Slot> PushAnswers<Response>::TakeReady() {
  std::unique_ptr<Slot> taken;
  while (!slots_.empty() && slots_.front()->ready_) {
    const bool covers = slots_.front()->continues && !slots_.front()->response.has_error();
    if (taken != nullptr && !(taken->mergeable && covers)) break;
    taken = std::move(slots_.front());
    slots_.pop_front();
    reserved_bytes_ -= taken->reserved_bytes_;
  }
  return taken;
}

template <typename Response>
void PushAnswers<Response>::Advance() {
  if (ended_ || writing_) return;
  if (end_now_) {
    FinishStream();
    return;
  }
  if (const std::unique_ptr<Slot> slot = TakeReady()) {
    writing_ = true;
    write_buffer_ = SerializeAnswer(slot->response);
    stream_.StartWrite(&write_buffer_);
  } else if (ending_ && slots_.empty()) {
    FinishStream();
    return;
  }
  if (paused_read_ != nullptr && !ending_ && slots_.size() < kMaxUnansweredRequests / 2 &&
      reserved_bytes_ < kMaxAnswerBytes / 2) {
    stream_.StartRead(std::exchange(paused_read_, nullptr));
  }
}

template <typename Response>
void PushAnswers<Response>::FinishStream() {
  ended_ = true;
  AddRetryHint(end_status_, context_);
  const grpc::Status status = ToGrpcStatus(end_status_);
  LogFailedCall(method_, context_, status);
  stream_.Finish(status);
}

template class PushAnswers<v1::LearnResponse>;
template class PushAnswers<v1::FeedbackResponse>;

}  // namespace freshet
