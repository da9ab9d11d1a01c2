// The data plane: see proto/freshet/v1/learning_service.proto.

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
#include "server/thread/steady_clock.h"
#include "server/thread/turn_queue.h"

namespace freshet {

// Both methods are served raw: so the log can write the bytes of what is learned as they came, and
// large messages are parsed where they keep nobody waiting.
class LearningServiceImpl final
    : public v1::LearningService::WithRawCallbackMethod_Learn<
          v1::LearningService::WithRawCallbackMethod_Predict<v1::LearningService::Service>> {
 public:
  // Keeps references to `gate`, `registry` and `turns`.
  // Streams are told `max_names`, so that clients send no names that nobody keeps.
  LearningServiceImpl(const CallGate& gate, ModelRegistry& registry, TurnQueue& turns,
                      BatchLimits limits, uint32_t max_streams, uint32_t max_names);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Learn(
      grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;

  // How many streams there may be from now on; those that there are stay.
  void SetMaxStreams(uint32_t max_streams);

  // Ends the streams on which nothing came since `time`.
  void EndStreamsIdleSince(SteadyTime time);

  // Ends the streams whose tokens were withdrawn, or may no longer push to their models. To be
  // called a few times after tokens have changed: streams that begin meanwhile are seen later.
  void EndWithdrawnStreams();

  // Ends every stream with `reason` once what it read is answered, and takes no new ones.
  void EndStreams(const absl::Status& reason);

  // How many streams are open.
  size_t stream_count() const;

  // Waits until there is no stream left, or until `deadline`. Returns how many are left.
  size_t AwaitNoStreams(SteadyTime deadline);

 private:
  // A stream that is not started yet; an error where there are too many, or no more.
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
  absl::Status ended_ ABSL_GUARDED_BY(mu_);  // OK while streams are taken.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_LEARNING_SERVICE_H_
