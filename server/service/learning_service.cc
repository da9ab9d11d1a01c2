#include "server/service/learning_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/base/str_cat.h"
#include "server/service/feedback_protocol.h"
#include "server/service/grpc_status.h"
#include "server/service/learn_protocol.h"
#include "server/service/resource_name.h"

namespace freshet {
namespace {

// Initial metadata of a stream, sent with its first answer; see v1.NamesConfig.max_names.
constexpr const char* kMaxNamesMetadata = "freshet-max-names";

using RefusedPush = RefusedStream<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>>;

void Describe(const ProducerTable::Entry& producer, v1::GetProducerResponse& response) {
  response.set_last_sequence(producer.sequence);
  response.set_unknown_up_to(producer.told_above);
  for (const ProducerTable::Gap& gap : producer.gaps) {
    v1::SequenceRange& range = *response.add_missing();
    range.set_first(gap.first);
    range.set_last(gap.last);
  }
}

}  // namespace

LearningServiceImpl::LearningServiceImpl(const CallGate& gate, ModelRegistry& registry,
                                         TurnQueue& turns, BatchLimits limits, uint32_t max_streams,
                                         uint32_t max_names, std::function<absl::Time()> clock)
    : gate_(gate),
      registry_(registry),
      turns_(turns),
      limits_(limits),
      max_names_(max_names),
      clock_(std::move(clock)),
      predictions_{.gate = gate,
                   .registry = registry,
                   .limits = limits,
                   .turns = turns,
                   .clock = clock_,
                   .unlogged = unlogged_},
      max_streams_(max_streams) {}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LearningServiceImpl::Learn(
    grpc::CallbackServerContext* context) {
  absl::StatusOr<Caller> caller = gate_.Identify(*context);
  if (!caller.ok()) return new RefusedPush(caller.status());
  context->AddInitialMetadata(kMaxNamesMetadata, StrCat(max_names_));
  return Open<LearnProtocol>(*std::move(caller), *context);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LearningServiceImpl::Feedback(
    grpc::CallbackServerContext* context) {
  absl::StatusOr<Caller> caller = gate_.Identify(*context);
  if (!caller.ok()) return new RefusedPush(caller.status());
  return Open<FeedbackProtocol>(*std::move(caller), *context);
}

template <typename Protocol>
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LearningServiceImpl::Open(
    Caller caller, grpc::CallbackServerContext& context) {
  const std::string client = CallGate::ClientOf(caller, context);
  if (absl::Status status = gate_.limits().TakeStream(client); !status.ok()) {
    AddRetryHint(status, context);
    return new RefusedPush(status);
  }
  absl::StatusOr<PushStream<Protocol>*> stream =
      AddStream<Protocol>(std::move(caller), client, context);
  if (!stream.ok()) {
    gate_.limits().GiveStreamBack(client);
    AddRetryHint(stream.status(), context);
    return new RefusedPush(stream.status());
  }
  (*stream)->Start();
  return *stream;
}

template <typename Protocol>
absl::StatusOr<PushStream<Protocol>*> LearningServiceImpl::AddStream(
    Caller caller, const std::string& client, grpc::CallbackServerContext& context) {
  const SteadyLock lock(&mu_);
  if (!ended_.ok()) return ended_;
  if (streams_.size() >= max_streams_) {
    return TryAgainAfter(
        StrCat(
            "the server has ", max_streams_,
            " streams of Learn and Feedback, which is its limit (limits.max_streams); close one"),
        absl::Seconds(1));
  }
  // The stream removes itself from streams_ when it ends. It cannot end before it is started, so
  // *handle is set by then.
  auto handle = std::make_shared<OpenStream*>(nullptr);
  auto* stream = new PushStream<Protocol>(gate_, std::move(caller), client, context, registry_,
                                          turns_, limits_, [this, handle, client] {
                                            gate_.limits().GiveStreamBack(client);
                                            const SteadyLock gone_lock(&mu_);
                                            streams_.erase(*handle);
                                            stream_gone_.NotifyAll();
                                          });
  *handle = stream;
  streams_.insert(stream);
  return stream;
}

void LearningServiceImpl::SetMaxStreams(uint32_t max_streams) {
  const SteadyLock lock(&mu_);
  max_streams_ = max_streams;
}

void LearningServiceImpl::EndStreamsIdleSince(SteadyTime time) {
  const SteadyLock lock(&mu_);
  for (OpenStream* stream : streams_) stream->EndIfIdleSince(time);
}

void LearningServiceImpl::EndWithdrawnStreams() {
  const SteadyLock lock(&mu_);
  for (OpenStream* stream : streams_) stream->EndIfWithdrawn();
}

void LearningServiceImpl::EndStreams(const absl::Status& reason) {
  const SteadyLock lock(&mu_);
  ended_ = reason;
  for (OpenStream* stream : streams_) stream->End(reason);
}

size_t LearningServiceImpl::stream_count() const {
  const SteadyLock lock(&mu_);
  return streams_.size();
}

size_t LearningServiceImpl::AwaitNoStreams(SteadyTime deadline) {
  SteadyClock& clock = SteadyClock::System();
  const SteadyLock lock(&mu_);
  while (!streams_.empty() && clock.Now() < deadline) clock.WaitUntil(stream_gone_, mu_, deadline);
  return streams_.size();
}

grpc::ServerUnaryReactor* LearningServiceImpl::Predict(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return PredictCall::Begin(predictions_, context, request, response);
}

grpc::ServerUnaryReactor* LearningServiceImpl::GetProducer(grpc::CallbackServerContext* context,
                                                           const v1::GetProducerRequest* request,
                                                           v1::GetProducerResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const std::optional<Caller> caller = gate_.Admit(*context, *request, reactor);
  if (!caller) return reactor;
  const absl::StatusOr<std::string> id = ParseModelName(request->model());
  absl::Status status = id.status();
  std::shared_ptr<ServedModel> model;
  if (id.ok()) {
    absl::StatusOr<std::shared_ptr<ServedModel>> found = registry_.Find(*id);
    status = found.status();
    if (found.ok()) model = *std::move(found);
  }
  if (!status.ok()) {
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }
  model->FindProducer(request->producer_id(), caller->name(),
                      [reactor, response](absl::StatusOr<ProducerTable::Entry> producer) {
                        if (producer.ok()) Describe(*producer, *response);
                        reactor->Finish(ToGrpcStatus(producer.status()));
                      });
  return reactor;
}

}  // namespace freshet
