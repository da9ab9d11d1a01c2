// The handling of one Explain call.

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

// The call runs in turns with other long calls, except that the log is read by threads that may
// block on the disk. It takes time in proportion to the features that the learner sees, whose
// number is limited by max_features. It ends early if its client has gone.
//
// Used by one thread at a time. Lives until the call has ended.
class ExplainCall : public std::enable_shared_from_this<ExplainCall> {
 public:
  // What all calls share. Must outlive them.
  struct Service {
    const CallGate& gate;
    const ModelRegistry& registry;
    BatchLimits limits;
    uint32_t max_features;  // See v1.LimitsConfig.max_explained_features.
    TurnQueue& turns;
    WorkerPool& readers;  // Threads that may block on the disk.
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
  // Each does one part of the call and returns whether the next part is to be done in another turn.
  bool Parse();
  bool Explain();

  absl::Status FindVariant();
  // Decodes the example, and notes the names that it gives its features.
  absl::Status Decode();
  // Reads in the log when the features were last learned, and ends the call.
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
  v1::ExampleList list_;  // Holds the example if it is readable.
  DecodedBatch example_;
  FeatureNames own_names_;
  v1::ExplainResponse response_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_EXPLAIN_CALL_H_
