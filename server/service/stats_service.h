// What models have learned: see proto/freshet/v1/stats_service.proto.

#ifndef FRESHET_SERVER_SERVICE_STATS_SERVICE_H_
#define FRESHET_SERVER_SERVICE_STATS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "freshet/v1/stats_service.grpc.pb.h"
#include "server/codec/decoded_batch.h"
#include "server/runtime/model_registry.h"
#include "server/runtime/worker_pool.h"
#include "server/service/call_gate.h"

namespace freshet {

// What reads whole tables or files runs on the io pool, never on gRPC's threads.
class StatsServiceImpl final : public v1::StatsService::CallbackService {
 public:
  // Keeps references to the gate, the registry and the pool.
  StatsServiceImpl(const CallGate& gate, ModelRegistry& registry, BatchLimits limits,
                   WorkerPool& io)
      : gate_(gate), registry_(registry), limits_(limits), io_(io) {}

  grpc::ServerUnaryReactor* ListTopWeights(grpc::CallbackServerContext* context,
                                           const v1::ListTopWeightsRequest* request,
                                           v1::ListTopWeightsResponse* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;
  grpc::ServerUnaryReactor* CompareSnapshots(grpc::CallbackServerContext* context,
                                             const v1::CompareSnapshotsRequest* request,
                                             v1::CompareSnapshotsResponse* response) override;

 private:
  const CallGate& gate_;
  ModelRegistry& registry_;
  const BatchLimits limits_;
  WorkerPool& io_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_STATS_SERVICE_H_
