#include "server/service/explain_call.h"

#include <string>

#include "core/base/str_cat.h"
#include "server/access/permissions.h"
#include "server/service/grpc_status.h"
#include "server/service/raw_call.h"
#include "server/service/recent_use.h"
#include "server/service/resource_name.h"
#include "server/service/weight_report.h"

namespace freshet {

grpc::ServerUnaryReactor* ExplainCall::Begin(const Service& service,
                                             grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Caller> caller = service.gate.AdmitUnparsed(*context);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status()));
    return reactor;
  }
  const auto call = std::make_shared<ExplainCall>(service, *std::move(caller), *context, reactor,
                                                  request, response);
  service.turns.Add(CallGate::ClientOf(call->caller_, *context),
                    [call, is_parsed = false](const Turn&) mutable {
                      if (is_parsed) return call->Explain();
                      is_parsed = true;
                      return call->Parse();
                    });
  return reactor;
}

bool ExplainCall::Parse() {
  absl::Status status =
      CheckRequestSize(request_bytes_, *v1::ExplainRequest::descriptor(), service_.limits);
  if (status.ok()) status = ParseRequest(request_bytes_, request_);
  if (status.ok()) status = CheckCall(caller_, request_);
  if (status.ok()) return true;
  End(status);
  return false;
}

bool ExplainCall::Explain() {
  absl::Status status =
      context_.IsCancelled() ? absl::CancelledError("the caller is gone") : FindVariant();
  if (status.ok()) status = Decode();
  if (!status.ok()) {
    End(status);
    return false;
  }
  response_ = ReportExplanation(*view_.variant->learner, FinderOf(*model_), example_.examples(),
                                own_names_, view_.variant->score_correction);
  response_.set_offset(view_.offset);
  if (request_.with_recent_use()) {
    service_.readers.Post([self = shared_from_this()] { self->AddUse(); });
  } else {
    End(absl::OkStatus());
  }
  return false;
}

absl::Status ExplainCall::FindVariant() {
  const absl::StatusOr<VariantName> name = ParseVariantName(request_.name());
  if (!name.ok()) return name.status();
  absl::StatusOr<std::shared_ptr<ServedModel>> model = service_.registry.Find(name->model_id);
  if (!model.ok()) return model.status();
  model_ = *std::move(model);
  absl::StatusOr<VariantView> view = model_->FindVariant(name->variant_id);
  if (!view.ok()) return view.status();
  view_ = *std::move(view);
  return absl::OkStatus();
}

absl::Status ExplainCall::Decode() {
  const LossKind loss = view_.variant->loss;
  v1::BatchError error;
  bool good = false;
  switch (request_.form_case()) {
    case v1::ExplainRequest::kExample:
      list_.mutable_examples()->AddAllocated(request_.release_example());
      good = example_.Decode(list_, BatchUse::kPredict, loss, service_.limits, error);
      if (good) own_names_.Learn(list_);
      break;
    case v1::ExplainRequest::kPacked:
      good = example_.Decode(request_.packed(), BatchUse::kPredict, loss, service_.limits, error);
      if (good) own_names_.Learn(request_.packed());
      break;
    case v1::ExplainRequest::FORM_NOT_SET:
      return absl::InvalidArgumentError("the request has no example; set example or packed");
  }
  if (!good) return BatchFault(error);
  if (example_.examples().size() != 1) {
    return absl::InvalidArgumentError(StrCat("packed has ", example_.examples().size(),
                                             " rows; one example is explained at a time"));
  }
  // Counted in one go, since the features of one row are limited.
  const FeatureExpander* const expander = view_.variant->expander.get();
  if (example_.CountFeatures(expander, UINT64_MAX, error) == DecodedBatch::Counting::kBad) {
    return BatchFault(error);
  }
  if (example_.RowFeatures(0) <= service_.max_features) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat(
      "the example has ", example_.RowFeatures(0), " features",
      expander == nullptr ? "" : " including those that the model makes of them", "; at most ",
      service_.max_features, " are explained (limits.max_explained_features); send fewer of them"));
}

void ExplainCall::AddUse() {
  const auto keep_going = [this] { return !context_.IsCancelled(); };
  End(AddRecentUse(*model_, view_.variant->spec, view_.variant->learner->slot_count(), keep_going,
                   response_));
}

void ExplainCall::End(const absl::Status& status) {
  absl::Status answered = status;
  if (answered.ok()) answered = WriteResponse(response_, response_bytes_);
  reactor_->Finish(ToGrpcStatus(answered));
}

}  // namespace freshet
