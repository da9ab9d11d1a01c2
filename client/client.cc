#include "client/client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "client/call_token.h"
#include "client/channel.h"
#include "client/model_options.h"
#include "client/packed_encoder.h"
#include "client/resource_names.h"
#include "client/rpc_status.h"
#include "client/server_address.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

std::chrono::system_clock::time_point FromNow(int64_t ms) {
  return std::chrono::system_clock::now() + std::chrono::milliseconds(ms);
}

constexpr int kPageSize = 1000;

v1::LogEvents LogEventsOf(const PredictOptions& options) {
  v1::LogEvents events;
  events.mutable_event_ids()->Assign(options.event_ids.begin(), options.event_ids.end());
  events.mutable_rows()->Assign(options.rows.begin(), options.rows.end());
  events.mutable_event_times_ms()->Assign(options.event_times_ms.begin(),
                                          options.event_times_ms.end());
  events.set_wait(options.wait);
  return events;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ClientOptions options) {
  absl::StatusOr<std::string> address = ServerAddress(options.server);
  if (!address.ok()) return address.status();
  options.server = *std::move(address);
  if (options.deadline_ms <= 0) {
    return absl::InvalidArgumentError(
        StrCat("deadline_ms is ", options.deadline_ms, "; it must be above 0"));
  }
  if (options.connect_timeout_ms <= 0) {
    return absl::InvalidArgumentError(
        StrCat("connect_timeout_ms is ", options.connect_timeout_ms, "; it must be above 0"));
  }
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(options.token.begin(), options.token.end(), printable)) {
    return absl::InvalidArgumentError(
        "token must be printable characters without spaces, as 'freshetd token' printed it");
  }
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(options);
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<Client>(new Client(std::move(options), *std::move(channel)));
}

Client::Client(ClientOptions options, std::shared_ptr<grpc::Channel> channel)
    : options_(std::move(options)),
      channel_(std::move(channel)),
      models_(v1::ModelService::NewStub(channel_)),
      learning_(v1::LearningService::NewStub(channel_)),
      stats_(v1::StatsService::NewStub(channel_)),
      events_(v1::EventService::NewStub(channel_)) {}

template <typename Stub, typename Request, typename Response>
absl::Status Client::Call(Stub* stub,
                          grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                          const Request& request, Response* response) const {
  grpc::ClientContext context;
  context.set_deadline(FromNow(options_.deadline_ms));
  AddToken(&context);
  return FromRpcStatus((stub->*method)(&context, request, response), options_.server);
}

void Client::AddToken(grpc::ClientContext* context) const { AddCallToken(options_.token, context); }

absl::StatusOr<v1::Model> Client::CreateModel(const v1::CreateModelRequest& request) const {
  v1::CreateModelResponse response;
  absl::Status status =
      Call(models_.get(), &v1::ModelService::Stub::CreateModel, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_model());
}

absl::StatusOr<v1::Model> Client::CreateModel(std::string_view model,
                                              const v1::LearnerSpec& learner,
                                              v1::Durability durability) const {
  return CreateModel(model, learner, NewModelOptions{.durability = durability});
}

absl::StatusOr<v1::Model> Client::CreateModel(std::string_view model,
                                              const v1::LearnerSpec& learner,
                                              const NewModelOptions& options) const {
  v1::CreateModelRequest request;
  request.set_model_id(ModelId(model));
  *request.mutable_model() = ModelWith(options);
  *request.mutable_model()->add_variants()->mutable_learner() = learner;
  return CreateModel(request);
}

absl::StatusOr<v1::Model> Client::CreateModelFromSnapshot(std::string_view model,
                                                          std::string_view source_snapshot,
                                                          const NewModelOptions& options) const {
  v1::CreateModelRequest request;
  request.set_model_id(ModelId(model));
  *request.mutable_model() = ModelWith(options);
  request.set_source_snapshot(std::string(source_snapshot));
  return CreateModel(request);
}

absl::StatusOr<v1::Model> Client::GetModel(std::string_view model) const {
  v1::GetModelRequest request;
  request.set_name(ModelName(model));
  v1::GetModelResponse response;
  absl::Status status = Call(models_.get(), &v1::ModelService::Stub::GetModel, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_model());
}

absl::StatusOr<std::vector<v1::Model>> Client::ListModels() const {
  std::vector<v1::Model> models;
  v1::ListModelsRequest request;
  request.set_page_size(kPageSize);
  do {
    v1::ListModelsResponse response;
    absl::Status status =
        Call(models_.get(), &v1::ModelService::Stub::ListModels, request, &response);
    if (!status.ok()) return status;
    for (v1::Model& model : *response.mutable_models()) models.push_back(std::move(model));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return models;
}

absl::StatusOr<v1::Model> Client::UpdateModel(std::string_view model, const v1::Model& values,
                                              const std::vector<std::string>& fields) const {
  v1::UpdateModelRequest request;
  *request.mutable_model() = values;
  request.mutable_model()->set_name(ModelName(model));
  for (const std::string& field : fields) request.mutable_update_mask()->add_paths(field);
  v1::UpdateModelResponse response;
  absl::Status status =
      Call(models_.get(), &v1::ModelService::Stub::UpdateModel, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_model());
}

absl::Status Client::DeleteModel(std::string_view model) const {
  v1::DeleteModelRequest request;
  request.set_name(ModelName(model));
  v1::DeleteModelResponse response;
  return Call(models_.get(), &v1::ModelService::Stub::DeleteModel, request, &response);
}

absl::StatusOr<v1::Snapshot> Client::CreateSnapshot(std::string_view model,
                                                    std::string_view snapshot) const {
  v1::CreateSnapshotRequest request;
  request.set_parent(ModelName(model));
  request.set_snapshot_id(LastSegment(snapshot));
  v1::CreateSnapshotResponse response;
  absl::Status status =
      Call(models_.get(), &v1::ModelService::Stub::CreateSnapshot, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_snapshot());
}

absl::StatusOr<v1::Snapshot> Client::GetSnapshot(std::string_view model,
                                                 std::string_view snapshot) const {
  v1::GetSnapshotRequest request;
  request.set_name(SnapshotName(model, snapshot));
  v1::GetSnapshotResponse response;
  absl::Status status =
      Call(models_.get(), &v1::ModelService::Stub::GetSnapshot, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_snapshot());
}

absl::StatusOr<std::vector<v1::Snapshot>> Client::ListSnapshots(std::string_view model) const {
  std::vector<v1::Snapshot> snapshots;
  v1::ListSnapshotsRequest request;
  request.set_parent(ModelName(model));
  request.set_page_size(kPageSize);
  do {
    v1::ListSnapshotsResponse response;
    absl::Status status =
        Call(models_.get(), &v1::ModelService::Stub::ListSnapshots, request, &response);
    if (!status.ok()) return status;
    for (v1::Snapshot& snapshot : *response.mutable_snapshots()) {
      snapshots.push_back(std::move(snapshot));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return snapshots;
}

absl::Status Client::DeleteSnapshot(std::string_view model, std::string_view snapshot) const {
  v1::DeleteSnapshotRequest request;
  request.set_name(SnapshotName(model, snapshot));
  v1::DeleteSnapshotResponse response;
  return Call(models_.get(), &v1::ModelService::Stub::DeleteSnapshot, request, &response);
}

absl::StatusOr<v1::Model> Client::RestoreSnapshot(std::string_view model,
                                                  std::string_view snapshot) const {
  v1::RestoreSnapshotRequest request;
  request.set_name(SnapshotName(model, snapshot));
  v1::RestoreSnapshotResponse response;
  absl::Status status =
      Call(models_.get(), &v1::ModelService::Stub::RestoreSnapshot, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_model());
}

absl::StatusOr<Digest> Client::ComputeDigest(std::string_view model) const {
  v1::ComputeDigestRequest request;
  request.set_name(ModelName(model));
  v1::ComputeDigestResponse response;
  absl::Status status =
      Call(models_.get(), &v1::ModelService::Stub::ComputeDigest, request, &response);
  if (!status.ok()) return status;
  return Digest{response.offset(), response.example_count(), response.digest()};
}

absl::StatusOr<Predictions> Client::Predict(std::string_view model,
                                            const ExampleBatchBuilder& batch) const {
  return Predict(model, batch, PredictOptions());
}

absl::StatusOr<Predictions> Client::Predict(std::string_view model,
                                            const ExampleBatchBuilder& batch,
                                            const PredictOptions& options) const {
  if (batch.row_count() == 0) return Predictions();
  v1::PredictRequest request;
  request.set_model(ModelName(model));
  EncodePackedBatch(batch, PackedLabels::kLeaveOut, request.mutable_packed());
  if (options.log_events) {
    *request.mutable_log_events() = LogEventsOf(options);
    // What is learned later should be known by name, as what is pushed is.
    if (batch.names() != nullptr) {
      EncodeNames(batch.namespaces(), batch.names(), request.mutable_packed());
    }
  }
  v1::PredictResponse response;
  absl::Status status =
      Call(learning_.get(), &v1::LearningService::Stub::Predict, request, &response);
  if (!status.ok()) return status;
  const auto rows = static_cast<int>(batch.row_count());
  if (response.predictions_size() != rows || response.scores_size() != rows) {
    return absl::InternalError(StrCat("asked ", options_.server, " for ", rows,
                                      " predictions, got ", response.predictions_size()));
  }
  return Predictions{{response.predictions().begin(), response.predictions().end()},
                     {response.scores().begin(), response.scores().end()},
                     response.offset(),
                     {response.unlearned_rows().begin(), response.unlearned_rows().end()},
                     {response.event_ids().begin(), response.event_ids().end()},
                     response.dropped_event_count()};
}

absl::StatusOr<Prediction> Client::Predict(std::string_view model, const Example& example) const {
  ExampleBatchBuilder batch;
  example.AppendTo(&batch);
  absl::StatusOr<Predictions> predictions = Predict(model, batch);
  if (!predictions.ok()) return predictions.status();
  return Prediction{predictions->predictions[0], predictions->scores[0], predictions->offset};
}

absl::StatusOr<v1::Event> Client::GetEvent(std::string_view model,
                                           std::string_view event_id) const {
  v1::GetEventRequest request;
  request.set_parent(ModelName(model));
  request.set_event_id(std::string(event_id));
  v1::GetEventResponse response;
  absl::Status status = Call(events_.get(), &v1::EventService::Stub::GetEvent, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_event());
}

absl::StatusOr<std::vector<v1::Event>> Client::ListEvents(std::string_view model,
                                                          const ListEventsOptions& options) const {
  std::vector<v1::Event> events;
  v1::ListEventsRequest request;
  request.set_parent(ModelName(model));
  request.set_state(options.state);
  while (events.size() < options.limit) {
    const size_t wanted = std::min<size_t>(options.limit - events.size(), kPageSize);
    request.set_page_size(static_cast<int>(wanted));
    v1::ListEventsResponse response;
    absl::Status status =
        Call(events_.get(), &v1::EventService::Stub::ListEvents, request, &response);
    if (!status.ok()) return status;
    for (v1::Event& event : *response.mutable_events()) events.push_back(std::move(event));
    request.set_page_token(response.next_page_token());
    if (request.page_token().empty()) break;
  }
  return events;
}

absl::StatusOr<v1::GetProducerResponse> Client::GetProducer(std::string_view model,
                                                            std::string_view producer_id) const {
  v1::GetProducerRequest request;
  request.set_model(ModelName(model));
  request.set_producer_id(std::string(producer_id));
  v1::GetProducerResponse response;
  absl::Status status =
      Call(learning_.get(), &v1::LearningService::Stub::GetProducer, request, &response);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::ListTopWeightsResponse> Client::ListTopWeights(std::string_view model,
                                                                  uint32_t limit) const {
  v1::ListTopWeightsRequest request;
  request.set_name(ModelName(model));
  request.set_limit(limit);
  v1::ListTopWeightsResponse response;
  absl::Status status =
      Call(stats_.get(), &v1::StatsService::Stub::ListTopWeights, request, &response);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::ExplainResponse> Client::Explain(std::string_view model,
                                                    const Example& example) const {
  NewNames names;
  ExampleBatchBuilder batch;
  batch.KeepNames(&names);
  example.AppendTo(&batch);
  return Explain(model, batch);
}

absl::StatusOr<v1::ExplainResponse> Client::Explain(std::string_view model,
                                                    const ExampleBatchBuilder& batch,
                                                    bool with_recent_use) const {
  v1::ExplainRequest request;
  request.set_name(ModelName(model));
  request.set_with_recent_use(with_recent_use);
  EncodePackedBatch(batch, PackedLabels::kLeaveOut, request.mutable_packed());
  if (batch.names() != nullptr) {
    EncodeNames(batch.namespaces(), batch.names(), request.mutable_packed());
  }
  v1::ExplainResponse response;
  absl::Status status = Call(stats_.get(), &v1::StatsService::Stub::Explain, request, &response);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::CompareSnapshotsResponse> Client::CompareSnapshots(std::string_view model,
                                                                      std::string_view old_snapshot,
                                                                      std::string_view new_snapshot,
                                                                      uint32_t limit) const {
  v1::CompareSnapshotsRequest request;
  request.set_old_name(SnapshotName(model, old_snapshot));
  request.set_new_name(SnapshotName(model, new_snapshot));
  request.set_limit(limit);
  v1::CompareSnapshotsResponse response;
  absl::Status status =
      Call(stats_.get(), &v1::StatsService::Stub::CompareSnapshots, request, &response);
  if (!status.ok()) return status;
  return response;
}

}  // namespace freshet
