#include "server/service/learning_service.h"

#include <memory>
#include <utility>

#include "core/base/str_cat.h"
#include "server/service/grpc_status.h"
#include "server/service/resource_name.h"

namespace freshet {
namespace {

// See v1.NamesConfig.max_names. Goes out with a stream's first answer.
constexpr const char* kMaxNamesMetadata = "freshet-max-names";

using RefusedLearn = RefusedStream<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>>;

}  // namespace

LearningServiceImpl::LearningServiceImpl(const CallGate& gate, ModelRegistry& registry,
                                         BatchLimits limits, uint32_t max_streams,
                                         uint32_t max_names)
    : gate_(gate),
      registry_(registry),
      limits_(limits),
      max_streams_(max_streams),
      max_names_(max_names) {}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LearningServiceImpl::Learn(
    grpc::CallbackServerContext* context) {
  absl::StatusOr<Caller> caller = gate_.Identify(*context);
  if (!caller.ok()) return new RefusedLearn(caller.status());
  context->AddInitialMetadata(kMaxNamesMetadata, StrCat(max_names_));
  LearnStream* stream = nullptr;
  {
    absl::MutexLock lock(&mu_);
    if (!ended_.ok()) return new RefusedLearn(ended_);
    if (streams_.size() >= max_streams_) {
      return new RefusedLearn(absl::ResourceExhaustedError(
          StrCat("the server has ", max_streams_,
                 " Learn streams, its limit (limits.max_streams); close one, or try again later")));
    }
    // The stream takes itself out when it is gone; it cannot be gone before it is started.
    auto handle = std::make_shared<LearnStream*>(nullptr);
    stream =
        new LearnStream(gate_.access(), *std::move(caller), registry_, limits_, [this, handle] {
          absl::MutexLock gone_lock(&mu_);
          streams_.erase(*handle);
        });
    *handle = stream;
    streams_.insert(stream);
  }
  stream->Start();
  return stream;
}

void LearningServiceImpl::EndStreams(const absl::Status& reason) {
  absl::MutexLock lock(&mu_);
  ended_ = reason;
  for (LearnStream* stream : streams_) stream->End(reason);
}

size_t LearningServiceImpl::stream_count() const {
  absl::MutexLock lock(&mu_);
  return streams_.size();
}

void LearningServiceImpl::AwaitNoStreams() {
  const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return streams_.empty(); };
  absl::MutexLock lock(&mu_, absl::Condition(&none));
}

grpc::ServerUnaryReactor* LearningServiceImpl::Predict(grpc::CallbackServerContext* context,
                                                       const v1::PredictRequest* request,
                                                       v1::PredictResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  reactor->Finish(ToGrpcStatus(PredictNow(*request, *response)));
  return reactor;
}

absl::Status LearningServiceImpl::PredictNow(const v1::PredictRequest& request,
                                             v1::PredictResponse& response) const {
  absl::StatusOr<std::string> id = ParseModelName(request.model());
  if (!id.ok()) return id.status();
  absl::StatusOr<std::shared_ptr<ModelRuntime>> model = registry_.Find(*id);
  if (!model.ok()) return model.status();

  BatchLimits limits = limits_;
  limits.expander = (*model)->expander();
  DecodedBatch batch;
  v1::BatchError error;
  bool good = false;
  switch (request.batch_case()) {
    case v1::PredictRequest::kPacked:
      good = batch.Decode(request.packed(), BatchUse::kPredict, (*model)->loss(), limits, error);
      break;
    case v1::PredictRequest::kExamples:
      good = batch.Decode(request.examples(), BatchUse::kPredict, (*model)->loss(), limits, error);
      break;
    case v1::PredictRequest::BATCH_NOT_SET:
      return absl::InvalidArgumentError("the request has no batch; set packed or examples");
  }
  if (!good) return {static_cast<absl::StatusCode>(error.code()), error.message()};

  const size_t count = batch.examples().size();
  response.mutable_scores()->Resize(static_cast<int>(count), 0);
  response.mutable_predictions()->Resize(static_cast<int>(count), 0);
  response.set_offset((*model)->Predict(batch.examples(),
                                        {response.mutable_scores()->mutable_data(), count},
                                        {response.mutable_predictions()->mutable_data(), count}));
  return absl::OkStatus();
}

}  // namespace freshet
