#include "server/service/model_service.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/service/grpc_status.h"
#include "server/service/page.h"
#include "server/service/resource_name.h"
#include "server/service/snapshot_transfer.h"
#include "server/snapshot/snapshot_file.h"

namespace freshet {
namespace {

using Model = std::shared_ptr<ServedModel>;

absl::StatusOr<Model> FindModel(const ModelRegistry& registry, std::string_view name) {
  absl::StatusOr<std::string> id = ParseModelName(name);
  if (!id.ok()) return id.status();
  return registry.Find(*id);
}

// Ends the call with the status of `result`; its value, if any, goes to `out`.
template <typename T>
void FinishWith(grpc::ServerUnaryReactor* reactor, absl::StatusOr<T> result, T* out) {
  const grpc::Status status = ToGrpcStatus(result.status());
  if (result.ok()) *out = *std::move(result);
  reactor->Finish(status);
}

// A callback that calls FinishWith().
template <typename T>
ServedModel::Callback<T> Finisher(grpc::ServerUnaryReactor* reactor, T* out) {
  return [reactor, out](absl::StatusOr<T> result) { FinishWith(reactor, std::move(result), out); };
}

// Describes several models, each on its own strand, and ends the call when the last one is done.
class ModelListing : public std::enable_shared_from_this<ModelListing> {
 public:
  ModelListing(grpc::ServerUnaryReactor* reactor, v1::ListModelsResponse* response)
      : reactor_(reactor), response_(response) {}

  ~ModelListing() { reactor_->Finish(grpc::Status::OK); }

  ModelListing(const ModelListing&) = delete;
  ModelListing& operator=(const ModelListing&) = delete;

  // Fills in the served models at their places in the response. Damaged models are already there.
  void Describe(const std::map<int, Model>& models) {
    for (const auto& [place, model] : models) {
      v1::Model* out = response_->mutable_models(place);
      model->Describe([self = shared_from_this(), out](absl::StatusOr<v1::Model> described) {
        if (described.ok()) *out = *std::move(described);
      });
    }
  }

 private:
  grpc::ServerUnaryReactor* reactor_;
  v1::ListModelsResponse* response_;
};

absl::StatusOr<v1::ListSnapshotsResponse> ListSnapshotPage(
    const ModelRegistry& registry, const v1::ListSnapshotsRequest& request) {
  absl::StatusOr<Model> model = FindModel(registry, request.parent());
  if (!model.ok()) return model.status();
  const std::vector<v1::SnapshotFileHeader> headers = (*model)->ListSnapshots();
  v1::ListSnapshotsResponse response;
  const auto size = static_cast<size_t>(PageSize(request.page_size()));
  // The token is the name of the last snapshot of the previous page. If that snapshot has been
  // deleted, the call fails.
  auto it = headers.begin();
  if (!request.page_token().empty()) {
    it = std::find_if(headers.begin(), headers.end(), [&](const v1::SnapshotFileHeader& header) {
      return header.snapshot().name() == request.page_token();
    });
    if (it == headers.end()) {
      return absl::InvalidArgumentError(
          "page_token: the snapshot it stands for was deleted; list again without a token");
    }
    ++it;
  }
  for (; it != headers.end() && static_cast<size_t>(response.snapshots_size()) < size; ++it) {
    *response.add_snapshots() = it->snapshot();
  }
  if (it != headers.end()) response.set_next_page_token(std::prev(it)->snapshot().name());
  return response;
}

// Creates a model, either empty or from a snapshot on this server.
absl::StatusOr<Model> CreateModelNow(ModelRegistry& registry,
                                     const v1::CreateModelRequest& request) {
  if (request.source_snapshot().empty()) {
    return registry.Create(request.model_id(), request.model());
  }
  absl::StatusOr<SnapshotName> name = ParseSnapshotName(request.source_snapshot());
  if (!name.ok()) return name.status();
  // Checked before a possibly large file is read.
  if (absl::Status status = registry.CheckVacant(request.model_id()); !status.ok()) return status;
  absl::StatusOr<Model> source = registry.Find(name->model_id);
  if (!source.ok()) return source.status();
  const absl::StatusOr<LoadedSnapshot> origin = (*source)->ReadSnapshot(name->snapshot_id);
  if (!origin.ok()) return origin.status();
  return registry.Create(request.model_id(), request.model(), &*origin);
}

}  // namespace

grpc::ServerUnaryReactor* ModelServiceImpl::CreateModel(grpc::CallbackServerContext* context,
                                                        const v1::CreateModelRequest* request,
                                                        v1::CreateModelResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  if (absl::Status status = CheckResourceId("model_id", request->model_id()); !status.ok()) {
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }
  WorkerPool& pool = request->source_snapshot().empty() ? io_ : readers_;
  pool.Post([this, reactor, request, response] {
    absl::StatusOr<Model> model = CreateModelNow(registry_, *request);
    if (!model.ok()) {
      reactor->Finish(ToGrpcStatus(model.status()));
      return;
    }
    (*model)->Describe(Finisher(reactor, response->mutable_model()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::GetModel(grpc::CallbackServerContext* context,
                                                     const v1::GetModelRequest* request,
                                                     v1::GetModelResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  absl::StatusOr<Model> model = FindModel(registry_, request->name());
  if (model.ok()) {
    (*model)->Describe(Finisher(reactor, response->mutable_model()));
    return reactor;
  }
  const auto damaged = registry_.damaged();
  const auto found = absl::IsFailedPrecondition(model.status())
                         ? damaged->find(ParseModelName(request->name()).value_or(""))
                         : damaged->end();
  if (found != damaged->end()) {
    *response->mutable_model() = found->second->description;
    reactor->Finish(grpc::Status::OK);
  } else {
    reactor->Finish(ToGrpcStatus(model.status()));
  }
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::ListModels(grpc::CallbackServerContext* context,
                                                       const v1::ListModelsRequest* request,
                                                       v1::ListModelsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const std::optional<Caller> caller = gate_.Admit(*context, *request, reactor);
  if (!caller) return reactor;
  if (absl::Status status = registry_.Ready(); !status.ok()) {
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }
  const std::shared_ptr<const ModelRegistry::ModelMap> models = registry_.models();
  const std::shared_ptr<const ModelRegistry::DamagedMap> damaged = registry_.damaged();
  std::set<std::string_view> ids;
  for (const auto& [id, model] : *models) ids.insert(id);
  for (const auto& [id, model] : *damaged) ids.insert(id);
  const int size = PageSize(request->page_size());
  // The token is the id of the last model of the previous page.
  auto it = ids.upper_bound(request->page_token());
  std::map<int, Model> served;
  std::string_view last;
  for (; it != ids.end(); ++it) {
    if (!caller->Covers(*it)) continue;
    if (response->models_size() == size) {
      response->set_next_page_token(std::string(last));
      break;
    }
    last = *it;
    v1::Model* out = response->add_models();
    if (const auto found = models->find(last); found != models->end()) {
      served.emplace(response->models_size() - 1, found->second);
    } else {
      *out = damaged->find(last)->second->description;
    }
  }
  std::make_shared<ModelListing>(reactor, response)->Describe(served);
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::UpdateModel(grpc::CallbackServerContext* context,
                                                        const v1::UpdateModelRequest* request,
                                                        v1::UpdateModelResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  absl::StatusOr<Model> model = FindModel(registry_, request->model().name());
  if (model.ok()) {
    (*model)->Update(*request, Finisher(reactor, response->mutable_model()));
  } else {
    reactor->Finish(ToGrpcStatus(model.status()));
  }
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::DeleteModel(grpc::CallbackServerContext* context,
                                                        const v1::DeleteModelRequest* request,
                                                        v1::DeleteModelResponse* /*response*/) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  absl::StatusOr<std::string> id = ParseModelName(request->name());
  if (!id.ok()) {
    reactor->Finish(ToGrpcStatus(id.status()));
    return reactor;
  }
  registry_.Delete(
      *id, [reactor](const absl::Status& status) { reactor->Finish(ToGrpcStatus(status)); });
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::CreateSnapshot(grpc::CallbackServerContext* context,
                                                           const v1::CreateSnapshotRequest* request,
                                                           v1::CreateSnapshotResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  absl::Status status = request->snapshot_id().empty()
                            ? absl::OkStatus()
                            : CheckResourceId("snapshot_id", request->snapshot_id());
  absl::StatusOr<Model> model = FindModel(registry_, request->parent());
  if (status.ok()) status = model.status();
  if (!status.ok()) {
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }
  (*model)->CreateSnapshot(request->snapshot_id(), v1::SNAPSHOT_TRIGGER_REQUEST,
                           Finisher(reactor, response->mutable_snapshot()));
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::GetSnapshot(grpc::CallbackServerContext* context,
                                                        const v1::GetSnapshotRequest* request,
                                                        v1::GetSnapshotResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  const auto get = [&]() -> absl::StatusOr<v1::Snapshot> {
    absl::StatusOr<SnapshotName> name = ParseSnapshotName(request->name());
    if (!name.ok()) return name.status();
    absl::StatusOr<Model> model = registry_.Find(name->model_id);
    if (!model.ok()) return model.status();
    absl::StatusOr<v1::SnapshotFileHeader> header = (*model)->GetSnapshot(name->snapshot_id);
    if (!header.ok()) return header.status();
    return header->snapshot();
  };
  FinishWith(reactor, get(), response->mutable_snapshot());
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::ListSnapshots(grpc::CallbackServerContext* context,
                                                          const v1::ListSnapshotsRequest* request,
                                                          v1::ListSnapshotsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  FinishWith(reactor, ListSnapshotPage(registry_, *request), response);
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::DeleteSnapshot(
    grpc::CallbackServerContext* context, const v1::DeleteSnapshotRequest* request,
    v1::DeleteSnapshotResponse* /*response*/) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  io_.Post([this, reactor, request] {
    absl::StatusOr<SnapshotName> name = ParseSnapshotName(request->name());
    absl::Status status = name.status();
    if (status.ok()) {
      absl::StatusOr<Model> model = registry_.Find(name->model_id);
      status = model.ok() ? (*model)->DeleteSnapshot(name->snapshot_id) : model.status();
    }
    reactor->Finish(ToGrpcStatus(status));
  });
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::RestoreSnapshot(
    grpc::CallbackServerContext* context, const v1::RestoreSnapshotRequest* request,
    v1::RestoreSnapshotResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  readers_.Post([this, reactor, request, response] {
    absl::StatusOr<SnapshotName> name = ParseSnapshotName(request->name());
    if (!name.ok()) {
      reactor->Finish(ToGrpcStatus(name.status()));
      return;
    }
    absl::StatusOr<Model> model = registry_.Find(name->model_id);
    if (!model.ok()) {
      reactor->Finish(ToGrpcStatus(model.status()));
      return;
    }
    (*model)->RestoreSnapshot(name->snapshot_id, Finisher(reactor, response->mutable_model()));
  });
  return reactor;
}

grpc::ServerWriteReactor<v1::ExportSnapshotResponse>* ModelServiceImpl::ExportSnapshot(
    grpc::CallbackServerContext* context, const v1::ExportSnapshotRequest* request) {
  if (const auto caller = gate_.Admit(*context, *request); !caller.ok()) {
    return new RefusedStream<grpc::ServerWriteReactor<v1::ExportSnapshotResponse>>(caller.status());
  }
  return NewSnapshotExport(registry_, readers_, *request);
}

grpc::ServerReadReactor<v1::ImportSnapshotRequest>* ModelServiceImpl::ImportSnapshot(
    grpc::CallbackServerContext* context, v1::ImportSnapshotResponse* response) {
  absl::StatusOr<Caller> caller = gate_.Identify(*context);
  if (!caller.ok()) {
    return new RefusedStream<grpc::ServerReadReactor<v1::ImportSnapshotRequest>>(caller.status());
  }
  return NewSnapshotImport(registry_, data_dir_, readers_, *std::move(caller), *context, *response);
}

grpc::ServerUnaryReactor* ModelServiceImpl::ComputeDigest(grpc::CallbackServerContext* context,
                                                          const v1::ComputeDigestRequest* request,
                                                          v1::ComputeDigestResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  absl::StatusOr<Model> model = FindModel(registry_, request->name());
  if (model.ok()) {
    (*model)->ComputeDigest(Finisher(reactor, response));
  } else {
    reactor->Finish(ToGrpcStatus(model.status()));
  }
  return reactor;
}

}  // namespace freshet
