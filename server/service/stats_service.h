// The implementation of StatsService, which reports what models have learned; see
// proto/freshet/v1/stats_service.proto.

#ifndef FRESHET_SERVER_SERVICE_STATS_SERVICE_H_
#define FRESHET_SERVER_SERVICE_STATS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>

#include "freshet/v1/stats_service.grpc.pb.h"
#include "server/codec/decoded_batch.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/service/explain_call.h"
#include "server/service/request_traits.h"
#include "server/thread/turn_queue.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// gRPC's threads only identify the caller. Work that reads whole weight tables runs on the turn
// queue, in turns with other long calls; work that reads files runs on the reader pool. A call ends
// early if its client has gone.
class StatsServiceImpl final
    : public v1::StatsService::WithRawCallbackMethod_Explain<
          v1::StatsService::WithCallbackMethod_ListTopWeights<
              v1::StatsService::WithCallbackMethod_CompareSnapshots<v1::StatsService::Service>>> {
 public:
  // Keeps references to the gate, the registry, the turn queue and the pool `readers`, whose
  // threads read the disk. For `max_explained_features` see v1.LimitsConfig.
  StatsServiceImpl(const CallGate& gate, ModelRegistry& registry, BatchLimits limits,
                   uint32_t max_explained_features, TurnQueue& turns, WorkerPool& readers)
      : gate_(gate),
        registry_(registry),
        turns_(turns),
        readers_(readers),
        explanations_{.gate = gate,
                      .registry = registry,
                      .limits = limits,
                      .max_features = max_explained_features,
                      .turns = turns,
                      .readers = readers} {}

  grpc::ServerUnaryReactor* ListTopWeights(grpc::CallbackServerContext* context,
                                           const v1::ListTopWeightsRequest* request,
                                           v1::ListTopWeightsResponse* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CompareSnapshots(grpc::CallbackServerContext* context,
                                             const v1::CompareSnapshotsRequest* request,
                                             v1::CompareSnapshotsResponse* response) override;

 private:
  const CallGate& gate_;
  ModelRegistry& registry_;
  TurnQueue& turns_;
  WorkerPool& readers_;
  const ExplainCall::Service explanations_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_STATS_SERVICE_H_
