#include "server/service/push_stream.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/access/permissions.h"
#include "server/service/feedback_protocol.h"
#include "server/service/learn_protocol.h"
#include "server/service/raw_call.h"
#include "server/service/resource_name.h"

namespace freshet {
namespace {

// How long clients are asked to wait when the queues of all models are full.
constexpr absl::Duration kFullQueuesWait = absl::Milliseconds(200);

constexpr size_t kMaxProducerIdSize = 64;

template <typename Request>
absl::Status CheckProducer(const Request& request) {
  const std::string& id = request.producer_id();
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (id.empty() || id.size() > kMaxProducerIdSize || !std::all_of(id.begin(), id.end(), allowed)) {
    return absl::InvalidArgumentError(
        "producer_id must be 1 to 64 characters of A-Z, a-z, 0-9, '.', '_' and '-', in every "
        "request");
  }
  if (request.sequence() == 0) {
    return absl::InvalidArgumentError("sequence must be 1 or more, and increase with every batch");
  }
  if (request.first_sequence() > request.sequence()) {
    return absl::InvalidArgumentError("first_sequence must be at most sequence");
  }
  return absl::OkStatus();
}

}  // namespace

template <typename Protocol>
PushStream<Protocol>::PushStream(const CallGate& gate, Caller caller, std::string client,
                                 grpc::CallbackServerContext& context, ModelRegistry& registry,
                                 TurnQueue& turns, BatchLimits limits, std::function<void()> gone)
    : gate_(gate),
      client_(std::move(client)),
      registry_(registry),
      turns_(turns),
      limits_(limits),
      gone_(std::move(gone)),
      opener_(std::move(caller)),
      answers_(*this, context, Protocol::kMethod),
      caller_(opener_),
      last_read_(SteadyClock::System().Now()) {}

template <typename Protocol>
void PushStream<Protocol>::Start() {
  ReadMore();
}

template <typename Protocol>
void PushStream<Protocol>::ReadMore() {
  answers_.ReadNext(read_buffer_);
}

template <typename Protocol>
void PushStream<Protocol>::EndIfIdleSince(SteadyTime time) {
  if (last_read_.load(std::memory_order_relaxed) > time) return;
  if (!answers_.is_empty()) return;  // The client is waiting for answers.
  End(absl::UnavailableError(
      "no request came for longer than client_limits.idle_timeout_s; open another stream"));
}

template <typename Protocol>
void PushStream<Protocol>::EndIfWithdrawn() {
  if (opener_.grant() == nullptr) return;
  Request request;
  {
    absl::MutexLock lock(&mu_);
    request.set_model(opened_model_);
  }
  const absl::StatusOr<Caller> caller = gate_.access().Renew(opener_);
  absl::Status status = caller.status();
  if (status.ok()) {
    status = request.model().empty() ? caller->CheckRole(v1::Token::ROLE_LEARN)
                                     : CheckCall(*caller, request);
  }
  if (status.ok()) return;
  bool again = false;
  {
    absl::MutexLock lock(&mu_);
    again = std::exchange(withdrawn_, true);
  }
  if (again) {
    answers_.Cancel();
  } else {
    End(std::move(status));
  }
}

template <typename Protocol>
void PushStream<Protocol>::OnReadDone(bool ok) {
  last_read_.store(SteadyClock::System().Now(), std::memory_order_relaxed);
  if (!ok) {  // The client will send no more requests.
    End(absl::OkStatus());
    return;
  }
  const bool is_long = Protocol::IsLong(read_buffer_);
  incoming_ = Incoming();
  if (!read_buffer_.Dump(&incoming_.bytes).ok()) incoming_.bytes.clear();
  read_buffer_.Clear();
  if (is_long) {
    incoming_.slot = answers_.Add();  // Added now, so that a stream that is about to end waits for
                                      // the answer.
    HandleInTurns();
    return;
  }
  while (HandleMore()) {
    if (incoming_.stage == Incoming::Stage::kCheckMore) {
      HandleInTurns();
      return;
    }
  }
}

template <typename Protocol>
void PushStream<Protocol>::HandleInTurns() {
  Ref();
  turns_.Add(client_, [this](const Turn& turn) {
    // Once HandleMore() returns false, the next message may already be in incoming_, so it must not
    // be touched.
    while (!answers_.ends_at_once() && HandleMore()) {
      if (turn.is_over()) return true;
    }
    Unref();
    return false;
  });
}

template <typename Protocol>
bool PushStream<Protocol>::HandleMore() {
  return incoming_.stage == Incoming::Stage::kParse ? Parse() : Check();
}

template <typename Protocol>
absl::Status PushStream<Protocol>::OpenModel(const Request& request) {
  if (absl::Status status = CheckCall(caller_, request); !status.ok()) return status;
  absl::StatusOr<std::string> id = ParseModelName(request.model());
  if (!id.ok()) return id.status();
  absl::StatusOr<std::shared_ptr<ServedModel>> model = registry_.Find(*id);
  if (!model.ok()) return model.status();
  model_ = *std::move(model);
  model_name_ = request.model();
  absl::MutexLock lock(&mu_);
  opened_model_ = model_name_;
  return absl::OkStatus();
}

template <typename Protocol>
absl::Status PushStream<Protocol>::CheckStillAllowed() {
  if (gate_.access().IsCurrent(caller_)) return absl::OkStatus();
  absl::StatusOr<Caller> caller = gate_.access().Renew(caller_);
  if (!caller.ok()) return caller.status();
  caller_ = *std::move(caller);
  Request request;
  request.set_model(model_name_);
  return CheckCall(caller_, request);
}

template <typename Protocol>
absl::Status PushStream<Protocol>::CheckRequest(const Request& request) {
  absl::Status status = model_ == nullptr ? OpenModel(request) : CheckStillAllowed();
  if (!status.ok()) return status;
  if (!request.model().empty() && request.model() != model_name_) {
    return absl::InvalidArgumentError(StrCat("a stream belongs to one model, this one to ",
                                             model_name_, "; open another for another model"));
  }
  return CheckProducer(request);
}

template <typename Protocol>
bool PushStream<Protocol>::Parse() {
  if (model_ != nullptr && MustWaitForRoom()) return false;
  const absl::Status size = CheckRequestSize(incoming_.bytes, *Request::descriptor(), limits_);
  const bool opens = model_ == nullptr;
  incoming_.message = size.ok() ? Message::Parse(JoinPieces(incoming_.bytes))
                                : Message::ParseWithoutBatch(JoinPieces(incoming_.bytes));
  if (incoming_.message == nullptr) {
    Refuse(absl::InvalidArgumentError(
        StrCat("the message is not a ", std::string_view(Request::descriptor()->full_name()))));
    return false;
  }
  if (absl::Status status = CheckRequest(incoming_.message->request()); !status.ok()) {
    Refuse(std::move(status));
    return false;
  }
  if (!size.ok()) return AnswerTooLarge(size);
  if (opens && MustWaitForRoom()) return false;  // The model was not known before.
  incoming_.bytes.clear();
  incoming_.stage = Incoming::Stage::kCheck;
  return true;
}

template <typename Protocol>
bool PushStream<Protocol>::MustWaitForRoom() {
  if (model_->has_room()) return false;
  incoming_.message = nullptr;
  if (incoming_.slot == nullptr) incoming_.slot = answers_.Add();  // As in OnReadDone().
  Ref();
  model_->NotifyWhenRoom([this] {
    HandleInTurns();
    Unref();
  });
  return true;
}

template <typename Protocol>
bool PushStream<Protocol>::AnswerTooLarge(const absl::Status& reason) {
  if (incoming_.slot == nullptr) incoming_.slot = answers_.Add();
  DescribeSlot(incoming_.message->request(), *incoming_.slot);
  v1::BatchError& error = *incoming_.slot->response.mutable_error();
  error.set_code(static_cast<int>(reason.code()));
  error.set_message(std::string(reason.message()));
  AnswerBad();
  return false;
}

template <typename Protocol>
bool PushStream<Protocol>::Check() {
  if (incoming_.stage == Incoming::Stage::kCheck) {
    if (incoming_.slot == nullptr) incoming_.slot = answers_.Add();
    DescribeSlot(incoming_.message->request(), *incoming_.slot);
  }
  absl::StatusOr<PushCheck> checked =
      incoming_.message->Check(*model_, limits_, incoming_.slot->response);
  if (!checked.ok()) {
    Refuse(checked.status());
    return false;
  }
  if (*checked == PushCheck::kUnfinished) {
    incoming_.stage = Incoming::Stage::kCheckMore;
    return true;
  }
  if (*checked == PushCheck::kBad) {
    AnswerBad();
  } else {
    Submit();
  }
  return false;
}

template <typename Protocol>
void PushStream<Protocol>::AnswerBad() {
  Slot* const slot = incoming_.slot;
  const v1::BatchError& error = slot->response.error();
  model_->batch_counters().CountAnswer(static_cast<absl::StatusCode>(error.code()));
  if (Protocol::kRowsAreExamples) model_->batch_counters().CountBadRows(error.bad_row_count());
  model_->NoteRejected(incoming_.message->request());
  incoming_ = Incoming();
  slot->mergeable = false;
  answers_.Finish(slot);
  ReadMore();
}

template <typename Protocol>
void PushStream<Protocol>::Submit() {
  const std::unique_ptr<Message> message = std::move(incoming_.message);
  Slot* const slot = incoming_.slot;
  const size_t count = message->row_count();
  absl::Status room =
      registry_.queues_are_full()
          ? TryAgainAfter("the queues of all models are full (limits.max_total_queue_bytes)",
                          kFullQueuesWait)
          : gate_.limits().TakeExamples(client_, count);
  if (!room.ok()) {
    Refuse(std::move(room));
    return;
  }
  incoming_ = Incoming();
  if (const size_t bytes = message->answer_bytes(); bytes != 0) answers_.Reserve(slot, bytes);
  Ref();
  const bool has_room = message->Submit(
      *model_,
      [this, slot](LearnOutcome outcome) {
        FinishSlot(slot, std::move(outcome));
        Unref();
      },
      caller_.name());
  if (has_room) {
    ReadMore();
    return;
  }
  Ref();
  model_->NotifyWhenRoom([this] {
    ReadMore();
    Unref();
  });
}

template <typename Protocol>
void PushStream<Protocol>::Refuse(absl::Status status) {
  if (incoming_.slot != nullptr) answers_.RemoveLast();
  incoming_ = Incoming();
  End(std::move(status));
}

template <typename Protocol>
void PushStream<Protocol>::DescribeSlot(const Request& request, Slot& slot) {
  slot.mergeable = Protocol::IsAcknowledgedPlainly(request);
  slot.continues = request.producer_id() == last_producer_ && request.sequence() > last_sequence_;
  slot.response.set_sequence(request.sequence());
  last_producer_ = request.producer_id();
  last_sequence_ = request.sequence();
}

template <typename Protocol>
void PushStream<Protocol>::FinishSlot(Slot* slot, LearnOutcome outcome) {
  if (outcome.duplicate && outcome.status.ok()) {
    model_->batch_counters().CountDuplicate();
  } else {
    model_->batch_counters().CountAnswer(outcome.status.code());
  }
  slot->response.set_offset(outcome.offset);
  slot->response.set_duplicate(outcome.duplicate);
  slot->mergeable &= Protocol::Describe(*model_, outcome, slot->response) && !outcome.duplicate;
  if (outcome.rejected) {
    Reject(outcome.status, slot);
  } else if (!outcome.status.ok()) {
    answers_.EndNow(std::move(outcome.status));
  }
  answers_.Finish(slot);
}

template <typename Protocol>
void PushStream<Protocol>::Reject(const absl::Status& status, Slot* slot) {
  slot->mergeable = false;
  slot->response.mutable_error()->set_code(static_cast<int>(status.code()));
  slot->response.mutable_error()->set_message(std::string(status.message()));
  if (absl::IsPermissionDenied(status)) End(status);  // Later batches would be forbidden, too.
}

template <typename Protocol>
void PushStream<Protocol>::End(absl::Status status) {
  answers_.End(std::move(status));
}

template <typename Protocol>
void PushStream<Protocol>::OnWriteDone(bool ok) {
  answers_.OnWriteDone(ok);
}

template <typename Protocol>
void PushStream<Protocol>::OnCancel() {
  answers_.EndNow(absl::CancelledError("the client is gone"));
}

template <typename Protocol>
void PushStream<Protocol>::OnDone() {
  Unref();
}

template <typename Protocol>
void PushStream<Protocol>::Ref() {
  absl::MutexLock lock(&mu_);
  ++references_;
}

template <typename Protocol>
void PushStream<Protocol>::Unref() {
  {
    absl::MutexLock lock(&mu_);
    if (--references_ > 0) return;
  }
  gone_();
  delete this;
}

template class PushStream<LearnProtocol>;
template class PushStream<FeedbackProtocol>;

}  // namespace freshet
