#include "server/service/predict_call.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/access/permissions.h"
#include "server/service/grpc_status.h"
#include "server/service/raw_call.h"
#include "server/service/resource_name.h"

namespace freshet {

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
      End(status);
      return true;
    }
    if (stage_ == Stage::kCount && before == Stage::kCount) return false;
  }
  End(absl::OkStatus());
  return true;
}

bool PredictCall::RunTurn(const Turn& turn) {
  do {
    absl::Status status = context_.IsCancelled() ? absl::CancelledError("the caller is gone")
                                                 : Advance(DecodedBatch::kFewFeatures);
    if (!status.ok() || stage_ == Stage::kDone) {
      End(status);
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
  return good ? absl::OkStatus() : BatchFault(error);
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

void PredictCall::End(const absl::Status& status) {
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
