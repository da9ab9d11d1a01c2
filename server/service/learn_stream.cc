#include "server/service/learn_stream.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/access/permissions.h"
#include "server/service/raw_call.h"
#include "server/service/resource_name.h"

namespace freshet {
namespace {

// How long clients are asked to wait when the queues of all models are full.
constexpr absl::Duration kFullQueuesWait = absl::Milliseconds(200);

// Larger messages take milliseconds to parse and check. Readable rows take longer, because their
// names are hashed.
constexpr size_t kLongPackedBytes = size_t{1} << 20;
constexpr size_t kLongReadableBytes = size_t{256} << 10;

constexpr size_t kMaxProducerIdSize = 64;

absl::Status CheckProducer(const v1::LearnRequest& request) {
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

LearnStream::LearnStream(const CallGate& gate, Caller caller, std::string client,
                         grpc::CallbackServerContext& context, ModelRegistry& registry,
                         TurnQueue& turns, BatchLimits limits, std::function<void()> gone)
    : gate_(gate),
      client_(std::move(client)),
      registry_(registry),
      turns_(turns),
      limits_(limits),
      gone_(std::move(gone)),
      opener_(std::move(caller)),
      answers_(*this, context),
      caller_(opener_),
      last_read_(SteadyClock::System().Now()) {}

void LearnStream::Start() { ReadMore(); }

void LearnStream::ReadMore() { answers_.ReadNext(read_buffer_); }

void LearnStream::EndIfIdleSince(SteadyTime time) {
  if (last_read_.load(std::memory_order_relaxed) > time) return;
  if (!answers_.is_empty()) return;  // The client is waiting for answers.
  End(absl::UnavailableError(
      "no batch came for longer than client_limits.idle_timeout_s; open another stream"));
}

void LearnStream::EndIfWithdrawn() {
  if (opener_.grant() == nullptr) return;
  v1::LearnRequest request;
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

void LearnStream::OnReadDone(bool ok) {
  last_read_.store(SteadyClock::System().Now(), std::memory_order_relaxed);
  if (!ok) {  // The client will send no more requests.
    End(absl::OkStatus());
    return;
  }
  const bool is_long = IsLong();
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
    // The model may make so many features of a few that counting them takes long.
    if (incoming_.stage == Incoming::Stage::kCount) {
      HandleInTurns();
      return;
    }
  }
}

bool LearnStream::IsLong() {
  const size_t size = read_buffer_.Length();
  if (size <= kLongReadableBytes || size > kLongPackedBytes) return size > kLongPackedBytes;
  grpc::ProtoBufferReader bytes(&read_buffer_);
  google::protobuf::io::CodedInputStream fields(&bytes);
  using google::protobuf::internal::WireFormatLite;
  while (const uint32_t tag = fields.ReadTag()) {
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    if (field == v1::LearnRequest::kExamplesFieldNumber) return true;
    if (field == v1::LearnRequest::kPackedFieldNumber) return false;
    if (!WireFormatLite::SkipField(&fields, tag)) return false;
  }
  return false;
}

void LearnStream::HandleInTurns() {
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

bool LearnStream::HandleMore() {
  switch (incoming_.stage) {
    case Incoming::Stage::kParse:
      return Parse();
    case Incoming::Stage::kDecode:
      return Decode();
    case Incoming::Stage::kCount:
      return Count();
    case Incoming::Stage::kSubmit:
      Submit();
      break;
  }
  return false;
}

absl::Status LearnStream::OpenModel(const v1::LearnRequest& request) {
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

absl::Status LearnStream::CheckStillAllowed() {
  if (gate_.access().IsCurrent(caller_)) return absl::OkStatus();
  absl::StatusOr<Caller> caller = gate_.access().Renew(caller_);
  if (!caller.ok()) return caller.status();
  caller_ = *std::move(caller);
  v1::LearnRequest request;
  request.set_model(model_name_);
  return CheckCall(caller_, request);
}

absl::Status LearnStream::CheckRequest(const v1::LearnRequest& request) {
  absl::Status status = model_ == nullptr ? OpenModel(request) : CheckStillAllowed();
  if (!status.ok()) return status;
  if (!request.model().empty() && request.model() != model_name_) {
    return absl::InvalidArgumentError(StrCat("a stream belongs to one model, this one to ",
                                             model_name_, "; open another for another model"));
  }
  return CheckProducer(request);
}

bool LearnStream::Parse() {
  if (model_ != nullptr && MustWaitForRoom()) return false;
  const absl::Status size =
      CheckRequestSize(incoming_.bytes, *v1::LearnRequest::descriptor(), limits_);
  const bool opens = model_ == nullptr;
  incoming_.message = size.ok() ? BatchRecord::Parse(JoinPieces(incoming_.bytes))
                                : BatchRecord::ParseWithoutBatch(JoinPieces(incoming_.bytes));
  if (incoming_.message == nullptr) {
    Refuse(absl::InvalidArgumentError("the message is not a freshet.v1.LearnRequest"));
    return false;
  }
  if (absl::Status status = CheckRequest(incoming_.message->request()); !status.ok()) {
    Refuse(std::move(status));
    return false;
  }
  if (!size.ok()) return AnswerTooLarge(size);
  if (opens && MustWaitForRoom()) return false;  // The model was not known before.
  incoming_.bytes.clear();
  incoming_.stage = Incoming::Stage::kDecode;
  return true;
}

bool LearnStream::MustWaitForRoom() {
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

bool LearnStream::AnswerTooLarge(const absl::Status& reason) {
  if (incoming_.slot == nullptr) incoming_.slot = answers_.Add();
  DescribeSlot(incoming_.message->request(), *incoming_.slot);
  v1::BatchError& error = *incoming_.slot->response.mutable_error();
  error.set_code(static_cast<int>(reason.code()));
  error.set_message(std::string(reason.message()));
  AnswerBad();
  return false;
}

bool LearnStream::Decode() {
  BatchRecord& message = *incoming_.message;
  if (incoming_.slot == nullptr) incoming_.slot = answers_.Add();
  Slot* const slot = incoming_.slot;
  DescribeSlot(message.request(), *slot);
  incoming_.served = model_->Champion().variant;
  if (!message.Decode(incoming_.served->loss, limits_, *slot->response.mutable_error())) {
    AnswerBad();
    return false;
  }
  incoming_.stage = Incoming::Stage::kCount;
  return Count();
}

bool LearnStream::Count() {
  Slot* const slot = incoming_.slot;
  switch (incoming_.message->CountFeatures(incoming_.served->expander.get(),
                                           DecodedBatch::kFewFeatures,
                                           *slot->response.mutable_error())) {
    case DecodedBatch::Counting::kUnfinished:
      return true;
    case DecodedBatch::Counting::kBad:
      AnswerBad();
      return false;
    case DecodedBatch::Counting::kGood:
      break;
  }
  slot->response.clear_error();
  incoming_.stage = Incoming::Stage::kSubmit;
  Submit();
  return false;
}

void LearnStream::AnswerBad() {
  Slot* const slot = incoming_.slot;
  const v1::BatchError& error = slot->response.error();
  model_->batch_counters().CountAnswer(static_cast<absl::StatusCode>(error.code()));
  model_->batch_counters().CountBadRows(error.bad_row_count());
  model_->NoteRejected(incoming_.message->request());
  incoming_ = Incoming();
  slot->mergeable = false;
  answers_.Finish(slot);
  ReadMore();
}

void LearnStream::Submit() {
  std::unique_ptr<BatchRecord> message = std::move(incoming_.message);
  Slot* const slot = incoming_.slot;
  const size_t count = message->examples().size();
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
  if (message->request().return_predictions()) {
    answers_.Reserve(slot, count * (sizeof(float) + sizeof(float)));  // Scores and predictions.
  }
  Ref();
  const bool has_room = model_->Learn(
      std::move(message),
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

void LearnStream::Refuse(absl::Status status) {
  if (incoming_.slot != nullptr) answers_.RemoveLast();
  incoming_ = Incoming();
  End(std::move(status));
}

void LearnStream::DescribeSlot(const v1::LearnRequest& request, Slot& slot) {
  slot.mergeable = !request.return_predictions();
  slot.continues = request.producer_id() == last_producer_ && request.sequence() > last_sequence_;
  slot.response.set_sequence(request.sequence());
  last_producer_ = request.producer_id();
  last_sequence_ = request.sequence();
}

void LearnStream::FinishSlot(Slot* slot, LearnOutcome outcome) {
  if (outcome.duplicate && outcome.status.ok()) {
    model_->batch_counters().CountDuplicate();
  } else {
    model_->batch_counters().CountAnswer(outcome.status.code());
  }
  v1::LearnResponse& response = slot->response;
  response.set_offset(outcome.offset);
  response.set_duplicate(outcome.duplicate);
  response.set_skipped_count(static_cast<uint32_t>(outcome.skipped));
  if (!outcome.scores.empty()) {
    const VariantView champion = model_->Champion();
    for (const float score : outcome.scores) {
      const float served = champion.variant->ServedScore(score);
      response.add_scores(served);
      response.add_predictions(champion.variant->learner->Prediction(served));
    }
  }
  if (outcome.rejected) {
    Reject(outcome.status, slot);
  } else if (!outcome.status.ok()) {
    answers_.EndNow(std::move(outcome.status));
  }
  slot->mergeable &= !outcome.duplicate && outcome.skipped == 0;
  answers_.Finish(slot);
}

void LearnStream::Reject(const absl::Status& status, Slot* slot) {
  slot->mergeable = false;
  slot->response.mutable_error()->set_code(static_cast<int>(status.code()));
  slot->response.mutable_error()->set_message(std::string(status.message()));
  if (absl::IsPermissionDenied(status)) End(status);  // Later batches would be forbidden, too.
}

void LearnStream::End(absl::Status status) { answers_.End(std::move(status)); }

void LearnStream::OnWriteDone(bool ok) { answers_.OnWriteDone(ok); }

void LearnStream::OnCancel() { answers_.EndNow(absl::CancelledError("the client is gone")); }

void LearnStream::OnDone() { Unref(); }

void LearnStream::Ref() {
  absl::MutexLock lock(&mu_);
  ++references_;
}

void LearnStream::Unref() {
  {
    absl::MutexLock lock(&mu_);
    if (--references_ > 0) return;
  }
  gone_();
  delete this;
}

}  // namespace freshet
