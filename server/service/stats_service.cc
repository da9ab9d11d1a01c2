#include "server/service/stats_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/base/str_cat.h"
#include "core/model/top_weights.h"
#include "server/service/grpc_status.h"
#include "server/service/resource_name.h"
#include "server/service/weight_report.h"

namespace freshet {
namespace {

using Model = std::shared_ptr<ServedModel>;

absl::Status CallerIsGone() { return absl::CancelledError("the caller is gone"); }

// The state of a ListTopWeights call in progress.
struct WeightListing {
  Model model;
  VariantView view;
  TopWeightsScan scan;
};

// Starts a listing of the learner that the request names.
absl::StatusOr<std::shared_ptr<WeightListing>> BeginListing(
    const ModelRegistry& registry, const v1::ListTopWeightsRequest& request) {
  const absl::StatusOr<VariantName> name = ParseVariantName(request.name());
  if (!name.ok()) return name.status();
  const absl::StatusOr<Model> model = registry.Find(name->model_id);
  if (!model.ok()) return model.status();
  const absl::StatusOr<VariantView> view = (*model)->FindVariant(name->variant_id);
  if (!view.ok()) return view.status();
  return std::make_shared<WeightListing>(WeightListing{
      *model, *view, TopWeightsScan(*view->variant->learner, ReportLimit(request.limit()))});
}

absl::Status Compare(const ModelRegistry& registry, const grpc::CallbackServerContext& context,
                     const v1::CompareSnapshotsRequest& request,
                     v1::CompareSnapshotsResponse& response) {
  const absl::StatusOr<SnapshotName> old_name = ParseSnapshotName(request.old_name());
  if (!old_name.ok()) return old_name.status();
  const absl::StatusOr<SnapshotName> new_name = ParseSnapshotName(request.new_name());
  if (!new_name.ok()) return new_name.status();
  if (old_name->model_id != new_name->model_id) {
    return absl::InvalidArgumentError(StrCat("old_name and new_name belong to different models, ",
                                             old_name->model_id, " and ", new_name->model_id,
                                             "; name two snapshots of the same model"));
  }
  const absl::StatusOr<Model> model = registry.Find(old_name->model_id);
  if (!model.ok()) return model.status();
  const auto old_state = (*model)->LoadSnapshot(old_name->snapshot_id);
  if (!old_state.ok()) return old_state.status();
  if (context.IsCancelled()) return CallerIsGone();
  const auto new_state = (*model)->LoadSnapshot(new_name->snapshot_id);
  if (!new_state.ok()) return new_state.status();
  const Learner& new_learner = *(*new_state)->champion().served()->learner;
  WeightComparisonScan scan(*(*old_state)->champion().served()->learner, new_learner,
                            ReportLimit(request.limit()));
  while (scan.ReadPart()) {
    if (context.IsCancelled()) return CallerIsGone();
  }
  response = ReportChanges(scan.Take(), new_learner.slot_count(), FinderOf(**model));
  response.set_old_offset((*old_state)->offset());
  response.set_new_offset((*new_state)->offset());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* StatsServiceImpl::ListTopWeights(grpc::CallbackServerContext* context,
                                                           const v1::ListTopWeightsRequest* request,
                                                           v1::ListTopWeightsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const std::optional<Caller> caller = gate_.Admit(*context, *request, reactor);
  if (!caller) return reactor;
  absl::StatusOr<std::shared_ptr<WeightListing>> begun = BeginListing(registry_, *request);
  if (!begun.ok()) {
    reactor->Finish(ToGrpcStatus(begun.status()));
    return reactor;
  }
  turns_.Add(CallGate::ClientOf(*caller, *context),
             [context, reactor, response, listing = *std::move(begun)](const Turn& turn) {
               while (!context->IsCancelled() && listing->scan.ReadPart()) {
                 if (turn.is_over()) return true;
               }
               if (context->IsCancelled()) {
                 reactor->Finish(ToGrpcStatus(CallerIsGone()));
                 return false;
               }
               *response = ReportTopWeights(*listing->view.variant->learner, listing->scan.Take(),
                                            FinderOf(*listing->model));
               response->set_offset(listing->view.offset);
               reactor->Finish(grpc::Status::OK);
               return false;
             });
  return reactor;
}

grpc::ServerUnaryReactor* StatsServiceImpl::Explain(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return ExplainCall::Begin(explanations_, context, request, response);
}

grpc::ServerUnaryReactor* StatsServiceImpl::CompareSnapshots(
    grpc::CallbackServerContext* context, const v1::CompareSnapshotsRequest* request,
    v1::CompareSnapshotsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  readers_.Post([this, context, reactor, request, response] {
    reactor->Finish(ToGrpcStatus(Compare(registry_, *context, *request, *response)));
  });
  return reactor;
}

}  // namespace freshet
