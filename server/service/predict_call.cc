#include "server/service/predict_call.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "server/access/permissions.h"
#include "server/record/batch_record.h"
#include "server/service/grpc_status.h"
#include "server/service/logged_rows.h"
#include "server/service/raw_call.h"
#include "server/service/resource_name.h"

namespace freshet {
namespace {

// The variant that predicts.
constexpr const char* kChampion = "main";

}  // namespace

grpc::ServerUnaryReactor* PredictCall::Begin(const Service& service,
                                             grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Caller> caller = service.gate.AdmitUnparsed(*context);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status()));
    return reactor;
  }
  const auto call = std::make_shared<PredictCall>(service, *std::move(caller), *context, reactor,
                                                  request, response);
  if (request->Length() <= kSmallRequestBytes && call->RunInPlace()) return reactor;
  service.turns.Add(CallGate::ClientOf(call->caller_, *context),
                    [call](const Turn& turn) { return call->RunTurn(turn); });
  return reactor;
}

bool PredictCall::RunInPlace() {
  while (stage_ != Stage::kDone) {
    // The model may turn a few features into many; then only the counting is done here.
    if (stage_ == Stage::kPredict && batch_.feature_count() > DecodedBatch::kFewFeatures) {
      return false;
    }
    const Stage before = stage_;
    if (absl::Status status = Advance(DecodedBatch::kFewFeatures); !status.ok()) {
      End(status, /*in_place=*/true);
      return true;
    }
    if (stage_ == Stage::kCount && before == Stage::kCount) return false;
  }
  End(absl::OkStatus(), /*in_place=*/true);
  return true;
}

bool PredictCall::RunTurn(const Turn& turn) {
  do {
    absl::Status status = context_.IsCancelled() ? absl::CancelledError("the caller is gone")
                                                 : Advance(DecodedBatch::kFewFeatures);
    if (!status.ok() || stage_ == Stage::kDone) {
      End(status, /*in_place=*/false);
      return false;
    }
  } while (!turn.is_over());
  return true;
}

absl::Status PredictCall::Advance(uint64_t features) {
  switch (stage_) {
    case Stage::kParse:
      return Parse();
    case Stage::kDecode:
      return Decode();
    case Stage::kCount:
      return Count(features);
    case Stage::kPredict:
      PredictRows(features);
      break;
    case Stage::kDone:
      break;
  }
  return absl::OkStatus();
}

absl::Status PredictCall::Parse() {
  stage_ = Stage::kDecode;
  absl::Status status =
      CheckRequestSize(request_bytes_, *v1::PredictRequest::descriptor(), service_.limits);
  if (status.ok()) status = ParseRequest(request_bytes_, request_);
  if (!status.ok()) return status;
  return CheckCall(caller_, request_);
}

absl::Status PredictCall::Decode() {
  stage_ = Stage::kCount;
  const absl::StatusOr<std::string> id = ParseModelName(request_.model());
  if (!id.ok()) return id.status();
  absl::StatusOr<VariantView> found = service_.registry.FindChampion(*id);
  if (!found.ok()) return found.status();
  view_ = *std::move(found);
  v1::BatchError error;
  bool good = false;
  switch (request_.batch_case()) {
    case v1::PredictRequest::kPacked:
      good = batch_.Decode(request_.packed(), BatchUse::kPredict, view_.variant->loss,
                           service_.limits, error);
      break;
    case v1::PredictRequest::kExamples:
      good = batch_.Decode(request_.examples(), BatchUse::kPredict, view_.variant->loss,
                           service_.limits, error);
      break;
    case v1::PredictRequest::BATCH_NOT_SET:
      return absl::InvalidArgumentError("the request has no batch; set packed or examples");
  }
  if (!good) return BatchFault(error);
  return request_.has_log_events() ? BeginEvents() : absl::OkStatus();
}

absl::Status PredictCall::BeginEvents() {
  absl::StatusOr<v1::LearnRequest> events =
      freshet::BeginEvents(request_.log_events(), batch_.examples().size(), service_.clock());
  if (!events.ok()) return events.status();
  events_ = *std::move(events);
  *response_.mutable_event_ids() = events_.event_ids();
  absl::StatusOr<std::shared_ptr<ServedModel>> model =
      service_.registry.Find(*ParseModelName(request_.model()));
  if (absl::IsUnavailable(model.status())) {  // It predicts while it is recovered.
    DropEvents();
    return absl::OkStatus();
  }
  if (!model.ok()) return model.status();
  absl::Status taken = (*model)->CheckTakesEvents(static_cast<uint64_t>(events_.event_ids_size()));
  if (absl::IsFailedPrecondition(taken)) return taken;
  if (taken.ok()) {
    model_ = *std::move(model);
  } else {
    DropEvents();
  }
  return absl::OkStatus();
}

absl::Status PredictCall::Count(uint64_t features) {
  v1::BatchError error;
  switch (batch_.CountFeatures(view_.variant->expander.get(), features, error)) {
    case DecodedBatch::Counting::kBad:
      return BatchFault(error);
    case DecodedBatch::Counting::kUnfinished:
      return absl::OkStatus();
    case DecodedBatch::Counting::kGood:
      break;
  }
  stage_ = Stage::kPredict;
  const auto rows = static_cast<int>(batch_.examples().size());
  response_.mutable_scores()->Resize(rows, 0);
  response_.mutable_predictions()->Resize(rows, 0);
  return absl::OkStatus();
}

void PredictCall::PredictRows(uint64_t features) {
  const ExampleBatch& batch = batch_.examples();
  if (next_row_ == 0) response_.set_offset(view_.offset);
  size_t end = next_row_;
  uint64_t counted = 0;
  while (end < batch.size() &&
         (end == next_row_ || counted + batch_.RowFeatures(end) <= features)) {
    counted += batch_.RowFeatures(end++);
  }
  const size_t count = end - next_row_;
  const bool is_all = count == batch.size();
  view_.variant->Predict(is_all ? batch : rows_.View(batch, next_row_, end),
                         {response_.mutable_scores()->mutable_data() + next_row_, count},
                         {response_.mutable_predictions()->mutable_data() + next_row_, count});
  unlearned_.Judge(*view_.variant, batch, next_row_, end);
  next_row_ = end;
  if (end == batch.size()) stage_ = Stage::kDone;
}

void PredictCall::End(const absl::Status& status, bool in_place) {
  if (!status.ok() || model_ == nullptr) {
    Answer(status);
    return;
  }
  const bool is_taken = model_->is_open() && model_->log_fault().ok() && model_->has_room() &&
                        !service_.registry.queues_are_full();
  if (!is_taken) {
    model_->batch_counters().CountUnloggedEvents(static_cast<uint64_t>(events_.event_ids_size()));
    DropEvents();
    Answer(absl::OkStatus());
  } else if (request_.log_events().wait() || !service_.unlogged.Add(request_size_)) {
    LogAndAnswer();
  } else if (in_place) {
    LogAfterAnswer();
  } else {
    Answer(absl::OkStatus());
    LogCounted();
  }
}

void PredictCall::LogAfterAnswer() {
  const std::string client = CallGate::ClientOf(caller_, context_);
  Answer(absl::OkStatus());
  service_.turns.Add(client, [call = shared_from_this()](const Turn&) {
    call->LogCounted();
    return false;
  });
}

void PredictCall::LogCounted() {
  LogEvents([call = shared_from_this()](const LearnOutcome&) {
    call->service_.unlogged.Remove(call->request_size_);
  });
}

void PredictCall::LogAndAnswer() {
  LogEvents([call = shared_from_this()](const LearnOutcome& outcome) {
    const bool may_be_dropped = !call->request_.log_events().wait() ||
                                (outcome.rejected && !absl::IsFailedPrecondition(outcome.status));
    if (!outcome.status.ok() && may_be_dropped) {
      call->DropEvents();
      call->Answer(absl::OkStatus());
    } else {
      call->Answer(outcome.status);
    }
  });
}

void PredictCall::DropEvents() {
  response_.set_dropped_event_count(static_cast<uint32_t>(response_.event_ids_size()));
}

void PredictCall::LogEvents(ServedModel::LearnCallback done) {
  const v1::LogEvents& log = request_.log_events();
  v1::EventsNote note;
  note.set_variant(kChampion);
  note.set_scored_offset(view_.offset);
  for (int i = 0; i < events_.event_ids_size(); ++i) {
    note.add_scores(response_.scores(static_cast<int>(LoggedRow(log, i))));
  }
  TakeLoggedRows(request_, events_);
  std::unique_ptr<BatchRecord> rows =
      BatchRecord::Parse(SharedBytes::Of(events_.SerializeAsString()));
  events_.Clear();
  const auto finish = [model = model_, done = std::move(done),
                       count = note.scores_size()](LearnOutcome outcome) {
    if (!outcome.status.ok()) {
      model->batch_counters().CountUnloggedEvents(static_cast<uint64_t>(count));
    }
    if (done) done(std::move(outcome));
  };
  v1::BatchError error;
  if (rows == nullptr || !rows->Decode(view_.variant->loss, service_.limits, error)) {
    LearnOutcome outcome;
    outcome.status =
        absl::InternalError(StrCat("the rows could not be logged as events: ", error.message()));
    finish(std::move(outcome));
    return;
  }
  model_->TakeEvents(std::move(rows), std::move(note), finish, caller_.name());
}

void PredictCall::Answer(const absl::Status& status) {
  absl::Status answered = status;
  if (answered.ok()) NoteUnlearnedRows();
  if (answered.ok()) answered = WriteResponse(response_, response_bytes_);
  if (answered.ok()) {
    view_.variant->counters->calls.Record(
        absl::FromChrono(std::chrono::steady_clock::now() - start_));
  }
  reactor_->Finish(ToGrpcStatus(answered));
}

void PredictCall::NoteUnlearnedRows() {
  constexpr size_t kMaxListed = 16;
  const std::vector<uint32_t>& rows = unlearned_.rows();
  PredictionCounters& counters = *view_.variant->counters;
  counters.rows += static_cast<uint64_t>(response_.predictions_size());
  if (rows.empty()) return;
  counters.unlearned_rows += rows.size();
  const auto listed = static_cast<ptrdiff_t>(std::min(rows.size(), kMaxListed));
  response_.mutable_unlearned_rows()->Assign(rows.begin(), rows.begin() + listed);
}

}  // namespace freshet
