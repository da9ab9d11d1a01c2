// One Explain call.

#ifndef FRESHET_SERVER_SERVICE_EXPLAIN_CALL_H_
#define FRESHET_SERVER_SERVICE_EXPLAIN_CALL_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/access/caller.h"
#include "server/codec/decoded_batch.h"
#include "server/model/served_model.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/thread/turn_queue.h"
#include "server/thread/worker_pool.h"
#include "server/view/feature_names.h"

namespace freshet {

// All of it is done in turns with other long calls, but for what reads the log, which is done by
// threads that may block on the disk. It takes time in proportion to the features that the learner
// sees, of which there may be so many, and ends early when its caller is gone.
//
// Used by one thread at a time. Lives until the call is ended.
class ExplainCall : public std::enable_shared_from_this<ExplainCall> {
 public:
  // What all calls share; it outlives them.
  struct Service {
    const CallGate& gate;
    const ModelRegistry& registry;
    BatchLimits limits;
    uint32_t max_features;  // See v1.LimitsConfig.max_explained_features.
    TurnQueue& turns;
    WorkerPool& readers;  // Read the disk.
  };

  // Serves a call of a raw unary method.
  static grpc::ServerUnaryReactor* Begin(const Service& service,
                                         grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response);

  ExplainCall(const Service& service, Caller caller, grpc::CallbackServerContext& context,
              grpc::ServerUnaryReactor* reactor, const grpc::ByteBuffer* request,
              grpc::ByteBuffer* response)
      : service_(service),
        caller_(std::move(caller)),
        context_(context),
        reactor_(reactor),
        request_bytes_(request),
        response_bytes_(response) {}

 private:
  // These do one part; true where the next one is to be done in another turn.
  bool Parse();
  bool Explain();

  absl::Status FindVariant();
  // Makes the example's columns, and learns what it calls its features.
  absl::Status Decode();
  // Reads the log for when the features were learned last.
  void AddUse();
  void End(const absl::Status& status);

  const Service& service_;
  const Caller caller_;
  grpc::CallbackServerContext& context_;
  grpc::ServerUnaryReactor* const reactor_;
  const grpc::ByteBuffer* const request_bytes_;
  grpc::ByteBuffer* const response_bytes_;

  v1::ExplainRequest request_;
  std::shared_ptr<ServedModel> model_;
  VariantView view_;
  v1::ExampleList list_;  // Holds an example that is readable.
  DecodedBatch example_;
  FeatureNames own_names_;
  v1::ExplainResponse response_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_EXPLAIN_CALL_H_
