#include "server/service/stats_service.h"

#include <memory>
#include <string>
#include <utility>

#include "core/base/str_cat.h"
#include "server/runtime/feature_names.h"
#include "server/service/grpc_status.h"
#include "server/service/resource_name.h"
#include "server/stats/recent_use.h"
#include "server/stats/weight_report.h"

namespace freshet {
namespace {

using Model = std::shared_ptr<ModelRuntime>;

// More than anybody reads; explaining takes some learners quadratic time.
constexpr uint32_t kMaxExplainedFeatures = 4096;

// Calls done(model, view) with the learner that `name` names, or ends the call with an error.
template <typename Done>
void WithLearner(const ModelRegistry& registry, const std::string& name,
                 grpc::ServerUnaryReactor* reactor, Done done) {
  const absl::StatusOr<VariantName> parsed = ParseVariantName(name);
  if (!parsed.ok()) {
    reactor->Finish(ToGrpcStatus(parsed.status()));
    return;
  }
  const absl::StatusOr<Model> model = registry.Find(parsed->model_id);
  if (!model.ok()) {
    reactor->Finish(ToGrpcStatus(model.status()));
    return;
  }
  const absl::StatusOr<ModelRuntime::LearnerView> view = (*model)->FindLearner(parsed->variant_id);
  if (!view.ok()) {
    reactor->Finish(ToGrpcStatus(view.status()));
    return;
  }
  done(*model, *view);
}

// The example of a request, and what it calls its features. Refers to the request.
struct DecodedExample {
  v1::ExampleList list;  // Where it is readable.
  DecodedBatch batch;
  FeatureNames names;
};

absl::Status DecodeExample(const v1::ExplainRequest& request, const BatchLimits& limits,
                           LossKind loss, DecodedExample& example) {
  v1::BatchError error;
  bool good = false;
  switch (request.form_case()) {
    case v1::ExplainRequest::kExample:
      *example.list.add_examples() = request.example();
      good = example.batch.Decode(example.list, BatchUse::kPredict, loss, limits, error);
      if (good) example.names.Learn(example.list);
      break;
    case v1::ExplainRequest::kPacked:
      good = example.batch.Decode(request.packed(), BatchUse::kPredict, loss, limits, error);
      if (good) example.names.Learn(request.packed());
      break;
    case v1::ExplainRequest::FORM_NOT_SET:
      return absl::InvalidArgumentError("the request has no example; set example or packed");
  }
  if (!good) return {static_cast<absl::StatusCode>(error.code()), error.message()};
  const ExampleBatch& batch = example.batch.examples();
  if (batch.size() != 1) {
    return absl::InvalidArgumentError(
        StrCat("packed has ", batch.size(), " rows; one example is explained at a time"));
  }
  if (batch.RowEnd(0) > kMaxExplainedFeatures) {
    return absl::InvalidArgumentError(StrCat("the example has ", batch.RowEnd(0),
                                             " features; at most ", kMaxExplainedFeatures,
                                             " are explained"));
  }
  return absl::OkStatus();
}

absl::Status Compare(const ModelRegistry& registry, const v1::CompareSnapshotsRequest& request,
                     v1::CompareSnapshotsResponse& response) {
  const absl::StatusOr<SnapshotName> old_name = ParseSnapshotName(request.old_name());
  if (!old_name.ok()) return old_name.status();
  const absl::StatusOr<SnapshotName> new_name = ParseSnapshotName(request.new_name());
  if (!new_name.ok()) return new_name.status();
  if (old_name->model_id != new_name->model_id) {
    return absl::InvalidArgumentError(StrCat("old_name and new_name are of different models, ",
                                             old_name->model_id, " and ", new_name->model_id,
                                             "; name two snapshots of one"));
  }
  const absl::StatusOr<Model> model = registry.Find(old_name->model_id);
  if (!model.ok()) return model.status();
  const auto old_state = (*model)->LoadSnapshot(old_name->snapshot_id);
  if (!old_state.ok()) return old_state.status();
  const auto new_state = (*model)->LoadSnapshot(new_name->snapshot_id);
  if (!new_state.ok()) return new_state.status();
  response = ReportChanges(*(*old_state)->champion(), *(*new_state)->champion(), (*model)->names(),
                           request.limit());
  response.set_old_offset((*old_state)->offset());
  response.set_new_offset((*new_state)->offset());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* StatsServiceImpl::ListTopWeights(grpc::CallbackServerContext* context,
                                                           const v1::ListTopWeightsRequest* request,
                                                           v1::ListTopWeightsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  WithLearner(registry_, request->name(), reactor,
              [this, reactor, request, response](const Model& model,
                                                 const ModelRuntime::LearnerView& view) {
                io_.Post([reactor, request, response, model, view] {
                  *response = ReportTopWeights(*view.learner, model->names(), request->limit());
                  response->set_offset(view.offset);
                  reactor->Finish(grpc::Status::OK);
                });
              });
  return reactor;
}

grpc::ServerUnaryReactor* StatsServiceImpl::Explain(grpc::CallbackServerContext* context,
                                                    const v1::ExplainRequest* request,
                                                    v1::ExplainResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  WithLearner(
      registry_, request->name(), reactor,
      [this, reactor, request, response](const Model& model,
                                         const ModelRuntime::LearnerView& view) {
        DecodedExample example;
        absl::Status status = DecodeExample(*request, limits_, model->predictor().loss(), example);
        if (status.ok()) {
          *response = ReportExplanation(*view.learner, model->names(), example.batch.examples(),
                                        example.names, model->predictor().ServedScore(0));
          response->set_offset(view.offset);
        }
        if (!status.ok() || !request->with_recent_use()) {
          reactor->Finish(ToGrpcStatus(status));
          return;
        }
        model->pipeline().WhenLogged(
            view.offset, [this, reactor, response, model, view](const absl::Status&) {
              io_.Post([reactor, response, model, view] {
                reactor->Finish(ToGrpcStatus(
                    AddRecentUse(*model, *view.spec, view.learner->slot_count(), *response)));
              });
            });
      });
  return reactor;
}

grpc::ServerUnaryReactor* StatsServiceImpl::CompareSnapshots(
    grpc::CallbackServerContext* context, const v1::CompareSnapshotsRequest* request,
    v1::CompareSnapshotsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  io_.Post([this, reactor, request, response] {
    reactor->Finish(ToGrpcStatus(Compare(registry_, *request, *response)));
  });
  return reactor;
}

}  // namespace freshet
