// The implementation of LearningService, the data plane; see
// proto/freshet/v1/learning_service.proto.

#ifndef FRESHET_SERVER_SERVICE_LEARNING_SERVICE_H_
#define FRESHET_SERVER_SERVICE_LEARNING_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "server/codec/decoded_batch.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/service/learn_stream.h"
#include "server/service/predict_call.h"
#include "server/service/request_traits.h"
#include "server/thread/steady_clock.h"
#include "server/thread/turn_queue.h"

namespace freshet {

// The methods with examples are raw, so that the log can write the bytes of batches as they came,
// and large messages can be parsed on threads where they delay no other call. Thread-safe.
class LearningServiceImpl final
    : public v1::LearningService::WithRawCallbackMethod_Learn<
          v1::LearningService::WithRawCallbackMethod_Predict<
              v1::LearningService::WithCallbackMethod_GetProducer<v1::LearningService::Service>>> {
 public:
  // Keeps references to `gate`, `registry` and `turns`. Clients are told `max_names` on each
  // stream, so that they send no names that the server would not keep.
  LearningServiceImpl(const CallGate& gate, ModelRegistry& registry, TurnQueue& turns,
                      BatchLimits limits, uint32_t max_streams, uint32_t max_names);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Learn(
      grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* GetProducer(grpc::CallbackServerContext* context,
                                        const v1::GetProducerRequest* request,
                                        v1::GetProducerResponse* response) override;

  // Changes how many streams may be open. Streams that are open already stay.
  void SetMaxStreams(uint32_t max_streams);

  // Ends the streams on which no message has come since `time`.
  void EndStreamsIdleSince(SteadyTime time);

  // Ends the streams whose tokens were withdrawn or may no longer push to their models. Call it
  // several times after tokens have changed, since streams that are just starting are found only by
  // a later call.
  void EndWithdrawnStreams();

  // Ends every stream with `reason` once all requests it has read are answered, and refuses new
  // streams with `reason`.
  void EndStreams(const absl::Status& reason);

  // How many streams are open.
  size_t stream_count() const;

  // Waits until there is no stream left, or until `deadline`. Returns how many are left.
  size_t AwaitNoStreams(SteadyTime deadline);

 private:
  // Adds a stream that is not started yet. An error if there are too many streams or EndStreams()
  // has been called.
  absl::StatusOr<LearnStream*> AddStream(Caller caller, const std::string& client,
                                         grpc::CallbackServerContext& context);

  const CallGate& gate_;
  ModelRegistry& registry_;
  TurnQueue& turns_;
  const BatchLimits limits_;
  const uint32_t max_names_;
  const PredictCall::Service predictions_;

  mutable SteadyMutex mu_;
  SteadyCondition stream_gone_;
  uint32_t max_streams_ ABSL_GUARDED_BY(mu_);
  std::unordered_set<LearnStream*> streams_ ABSL_GUARDED_BY(mu_);
  absl::Status ended_ ABSL_GUARDED_BY(mu_);  // OK while new streams are accepted.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_LEARNING_SERVICE_H_
