// The implementation of ModelService, for models and snapshots; see
// proto/freshet/v1/model_service.proto.

#ifndef FRESHET_SERVER_SERVICE_MODEL_SERVICE_H_
#define FRESHET_SERVER_SERVICE_MODEL_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "freshet/v1/model_service.grpc.pb.h"
#include "server/file/data_dir.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/service/request_traits.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// Work that blocks on the disk runs on the io pool, never on gRPC's threads. Work that reads or
// receives whole snapshots runs on the reader pool, so that other calls do not wait for it.
class ModelServiceImpl final : public v1::ModelService::CallbackService {
 public:
  // Keeps references to all arguments.
  ModelServiceImpl(const CallGate& gate, ModelRegistry& registry, DataDir& data_dir, WorkerPool& io,
                   WorkerPool& readers)
      : gate_(gate), registry_(registry), data_dir_(data_dir), io_(io), readers_(readers) {}

  grpc::ServerUnaryReactor* CreateModel(grpc::CallbackServerContext* context,
                                        const v1::CreateModelRequest* request,
                                        v1::CreateModelResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const v1::GetModelRequest* request,
                                     v1::GetModelResponse* response) override;
  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateModel(grpc::CallbackServerContext* context,
                                        const v1::UpdateModelRequest* request,
                                        v1::UpdateModelResponse* response) override;
  grpc::ServerUnaryReactor* DeleteModel(grpc::CallbackServerContext* context,
                                        const v1::DeleteModelRequest* request,
                                        v1::DeleteModelResponse* response) override;
  grpc::ServerUnaryReactor* CreateSnapshot(grpc::CallbackServerContext* context,
                                           const v1::CreateSnapshotRequest* request,
                                           v1::CreateSnapshotResponse* response) override;
  grpc::ServerUnaryReactor* GetSnapshot(grpc::CallbackServerContext* context,
                                        const v1::GetSnapshotRequest* request,
                                        v1::GetSnapshotResponse* response) override;
  grpc::ServerUnaryReactor* ListSnapshots(grpc::CallbackServerContext* context,
                                          const v1::ListSnapshotsRequest* request,
                                          v1::ListSnapshotsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteSnapshot(grpc::CallbackServerContext* context,
                                           const v1::DeleteSnapshotRequest* request,
                                           v1::DeleteSnapshotResponse* response) override;
  grpc::ServerUnaryReactor* RestoreSnapshot(grpc::CallbackServerContext* context,
                                            const v1::RestoreSnapshotRequest* request,
                                            v1::RestoreSnapshotResponse* response) override;
  grpc::ServerWriteReactor<v1::ExportSnapshotResponse>* ExportSnapshot(
      grpc::CallbackServerContext* context, const v1::ExportSnapshotRequest* request) override;
  grpc::ServerReadReactor<v1::ImportSnapshotRequest>* ImportSnapshot(
      grpc::CallbackServerContext* context, v1::ImportSnapshotResponse* response) override;
  grpc::ServerUnaryReactor* ComputeDigest(grpc::CallbackServerContext* context,
                                          const v1::ComputeDigestRequest* request,
                                          v1::ComputeDigestResponse* response) override;

 private:
  const CallGate& gate_;
  ModelRegistry& registry_;
  DataDir& data_dir_;
  WorkerPool& io_;
  WorkerPool& readers_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_MODEL_SERVICE_H_
