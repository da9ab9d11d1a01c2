// The implementation of LearningService, the data plane; see
// proto/freshet/v1/learning_service.proto.

#ifndef FRESHET_SERVER_SERVICE_LEARNING_SERVICE_H_
#define FRESHET_SERVER_SERVICE_LEARNING_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "server/codec/decoded_batch.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/service/predict_call.h"
#include "server/service/push_stream.h"
#include "server/service/request_traits.h"
#include "server/service/unlogged_events.h"
#include "server/thread/steady_clock.h"
#include "server/thread/turn_queue.h"

namespace freshet {

// The methods with examples are raw, so that the log can write the bytes of batches as they came,
// and large messages can be parsed on threads where they delay no other call. Thread-safe.
class LearningServiceImpl final : public v1::LearningService::WithRawCallbackMethod_Learn<
                                      v1::LearningService::WithRawCallbackMethod_Feedback<
                                          v1::LearningService::WithRawCallbackMethod_Predict<
                                              v1::LearningService::WithCallbackMethod_GetProducer<
                                                  v1::LearningService::Service>>>> {
 public:
  // Keeps references to `gate`, `registry` and `turns`. `clock` is the server's. Clients are told
  // `max_names` on each stream, so that they send no names that the server would not keep.
  LearningServiceImpl(const CallGate& gate, ModelRegistry& registry, TurnQueue& turns,
                      BatchLimits limits, uint32_t max_streams, uint32_t max_names,
                      std::function<absl::Time()> clock);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Learn(
      grpc::CallbackServerContext* context) override;

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Feedback(
      grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* GetProducer(grpc::CallbackServerContext* context,
                                        const v1::GetProducerRequest* request,
                                        v1::GetProducerResponse* response) override;

  // Changes how many streams may be open, of all kinds together. Streams that are open already
  // stay.
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

  // Waits until the events of all predictions that are answered are with their models, or until
  // `deadline`. Whether they are.
  bool AwaitLoggedEvents(SteadyTime deadline) { return unlogged_.AwaitNone(deadline); }

 private:
  // Opens a stream, or refuses it if there are too many or EndStreams() has been called. `Protocol`
  // is that of PushStream.
  template <typename Protocol>
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Open(
      Caller caller, grpc::CallbackServerContext& context);

  // Adds a stream that is not started yet. Errors as for Open().
  template <typename Protocol>
  absl::StatusOr<PushStream<Protocol>*> AddStream(Caller caller, const std::string& client,
                                                  grpc::CallbackServerContext& context);

  const CallGate& gate_;
  ModelRegistry& registry_;
  TurnQueue& turns_;
  const BatchLimits limits_;
  const uint32_t max_names_;
  // How much may wait to be logged of predictions that are answered already.
  static constexpr uint64_t kMaxUnloggedBytes = uint64_t{16} << 20;

  const std::function<absl::Time()> clock_;
  UnloggedEvents unlogged_{kMaxUnloggedBytes};
  const PredictCall::Service predictions_;

  mutable SteadyMutex mu_;
  SteadyCondition stream_gone_;
  uint32_t max_streams_ ABSL_GUARDED_BY(mu_);
  std::unordered_set<OpenStream*> streams_ ABSL_GUARDED_BY(mu_);
  absl::Status ended_ ABSL_GUARDED_BY(mu_);  // OK while new streams are accepted.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_LEARNING_SERVICE_H_
