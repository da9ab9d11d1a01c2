#include "tests/client/fake_server.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "core/base/str_cat.h"
#include "grpcpp/server_builder.h"

namespace freshet {
namespace {

// Whether an acknowledgement must be sent although a later one would cover it.
bool HasMoreToSay(const v1::LearnRequest& request, const v1::LearnResponse& /*response*/) {
  return request.return_predictions();
}
bool HasMoreToSay(const v1::FeedbackRequest& /*request*/, const v1::FeedbackResponse& response) {
  return response.refused_count() > 0;
}

}  // namespace

FakeServer::FakeServer(FakeServerBehavior behavior) : behavior_(std::move(behavior)) {
  Listen("127.0.0.1:0");
}

FakeServer::~FakeServer() { Stop(); }

void FakeServer::Listen(const std::string& address) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(static_cast<v1::LearningService::Service*>(this));
  builder.RegisterService(static_cast<v1::ModelService::Service*>(this));
  server_ = builder.BuildAndStart();
  address_ = StrCat("127.0.0.1:", port);
}

void FakeServer::Stop() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

void FakeServer::Restart() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = false;
  }
  Listen(address_);
}

void FakeServer::HoldAnswers() {
  const std::lock_guard lock(mu_);
  holding_ = true;
}

void FakeServer::ReleaseAnswers() {
  const std::lock_guard lock(mu_);
  holding_ = false;
  changed_.notify_all();
}

std::vector<float> FakeServer::learned() const {
  const std::lock_guard lock(mu_);
  return learned_;
}

void FakeServer::WaitUntilLearned(size_t count) const {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [&] { return learned_.size() >= count; });
}

int FakeServer::duplicate_count() const {
  const std::lock_guard lock(mu_);
  return duplicate_count_;
}

std::vector<std::string> FakeServer::producers() const {
  const std::lock_guard lock(mu_);
  std::vector<std::string> names;
  for (const auto& [name, sequence] : last_sequences_) names.push_back(name);
  return names;
}

std::vector<std::string> FakeServer::names() const {
  const std::lock_guard lock(mu_);
  return names_;
}

std::vector<std::string> FakeServer::events() const {
  const std::lock_guard lock(mu_);
  return events_;
}

std::vector<std::string> FakeServer::feedback() const {
  const std::lock_guard lock(mu_);
  return feedback_;
}

v1::FeedbackResponse FakeServer::Apply(const v1::FeedbackRequest& request) {
  const std::lock_guard lock(mu_);
  v1::FeedbackResponse response;
  response.set_sequence(request.sequence());
  uint64_t& last_sequence = last_sequences_[request.producer_id()];
  if (request.sequence() <= last_sequence) {
    ++duplicate_count_;
    response.set_duplicate(true);
    response.set_offset(offset_);
    return response;
  }
  last_sequence = request.sequence();
  response.set_offset(++offset_);
  for (int i = 0; i < request.items_size(); ++i) {
    const v1::FeedbackItem& item = request.items(i);
    if (!item.event_id().empty() && !(behavior_.reject_negative_labels && item.value() < 0)) {
      feedback_.push_back(StrCat(item.event_id(), " ", item.name(), " ", item.value()));
      continue;
    }
    response.set_refused_count(response.refused_count() + 1);
    v1::RowError* error = response.add_refused_items();
    error->set_row(static_cast<uint32_t>(i));
    error->set_field(item.event_id().empty() ? "event_id" : "value");
    error->set_reason("it must be given");
  }
  changed_.notify_all();
  return response;
}

v1::LearnResponse FakeServer::Apply(const v1::LearnRequest& request) {
  const std::lock_guard lock(mu_);
  v1::LearnResponse response;
  response.set_sequence(request.sequence());
  uint64_t& last_sequence = last_sequences_[request.producer_id()];
  if (request.sequence() <= last_sequence) {
    ++duplicate_count_;
    response.set_duplicate(true);
    response.set_offset(offset_);
    return response;
  }
  const auto& labels = request.packed().labels();
  if (behavior_.reject_negative_labels) {
    uint32_t bad_rows = 0;
    for (int row = 0; row < labels.size(); ++row) {
      if (labels[row] >= 0) continue;
      v1::BatchError* error = response.mutable_error();
      error->set_code(static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
      error->set_message("rows were rejected");
      error->set_bad_row_count(++bad_rows);
      if (bad_rows > 16) continue;
      v1::RowError* row_error = error->add_rows();
      row_error->set_row(static_cast<uint32_t>(row));
      row_error->set_field("label");
      row_error->set_reason("it must not be negative");
    }
    if (bad_rows > 0) return response;
  }
  last_sequence = request.sequence();
  response.set_offset(++offset_);
  for (const float label : labels) {
    learned_.push_back(label);
    if (request.return_predictions()) {
      response.add_scores(label + 0.25f);
      response.add_predictions(label + 0.5f);
    }
  }
  for (int i = 0; i < request.event_ids_size(); ++i) {
    const bool has_time = request.event_times_ms_size() > 0;
    events_.push_back(has_time ? StrCat(request.event_ids(i), "@", request.event_times_ms(i))
                               : request.event_ids(i));
  }
  for (const v1::FeatureName& name : request.packed().names()) {
    names_.push_back(StrCat(request.packed().namespaces(static_cast<int>(name.namespace_index())),
                            "^", name.name()));
  }
  changed_.notify_all();
  return response;
}

grpc::Status FakeServer::Learn(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::LearnResponse, v1::LearnRequest>* stream) {
  if (behavior_.max_names >= 0) {
    context->AddInitialMetadata("freshet-max-names", std::to_string(behavior_.max_names));
  }
  return Serve(stream);
}

grpc::Status FakeServer::Feedback(
    grpc::ServerContext* /*context*/,
    grpc::ServerReaderWriter<v1::FeedbackResponse, v1::FeedbackRequest>* stream) {
  return Serve(stream);
}

template <typename Request, typename Response>
grpc::Status FakeServer::Serve(grpc::ServerReaderWriter<Response, Request>* stream) {
  int stream_number;
  {
    const std::lock_guard lock(mu_);
    stream_number = stream_count_++;
  }
  const BreakPoint break_point =
      stream_number % 2 == 0 ? BreakPoint::kAfterLearning : BreakPoint::kBeforeLearning;
  grpc::Status broken(grpc::StatusCode::UNAVAILABLE, "the stream was broken");
  Request request;
  Response unsent;
  int request_count = 0;
  while (stream->Read(&request)) {
    if (!behavior_.end_status.ok()) return behavior_.end_status;
    const bool breaks = ++request_count == behavior_.break_after_requests &&
                        stream_number < behavior_.break_stream_count;
    if (breaks && break_point == BreakPoint::kBeforeLearning) return broken;
    Response response = Apply(request);
    if (breaks) return broken;
    {
      std::unique_lock lock(mu_);
      changed_.wait(lock, [this] { return !holding_ || stopping_; });
      if (stopping_) return broken;
    }
    const bool coverable = !response.has_error() && !HasMoreToSay(request, response);
    if (coverable && request_count % behavior_.acknowledge_every != 0) {
      unsent = response;
      continue;
    }
    unsent.Clear();
    stream->Write(response);
  }
  if (unsent.sequence() != 0) stream->Write(unsent);
  return grpc::Status::OK;
}

grpc::Status FakeServer::Predict(grpc::ServerContext* /*context*/,
                                 const v1::PredictRequest* request, v1::PredictResponse* response) {
  if (request->model() != "models/ctr") {
    return {grpc::StatusCode::NOT_FOUND, "model not found; create it"};
  }
  for (uint32_t row = 0; row < request->packed().row_count(); ++row) {
    response->add_scores(static_cast<float>(row));
    response->add_predictions(0.5f);
  }
  const std::lock_guard lock(mu_);
  for (const std::string& id : request->log_events().event_ids()) {
    events_.push_back(id);
    response->add_event_ids(id);
  }
  response->set_offset(offset_);
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetModel(grpc::ServerContext* /*context*/,
                                  const v1::GetModelRequest* request,
                                  v1::GetModelResponse* response) {
  response->mutable_model()->set_name(request->name());
  return grpc::Status::OK;
}

// Two models per page, five in all. The page token is the number of the next model.
grpc::Status FakeServer::ListModels(grpc::ServerContext* /*context*/,
                                    const v1::ListModelsRequest* request,
                                    v1::ListModelsResponse* response) {
  constexpr int kModels = 5;
  const int first = request->page_token().empty() ? 0 : std::stoi(request->page_token());
  for (int i = first; i < std::min(first + 2, kModels); ++i) {
    response->add_models()->set_name(StrCat("models/m", i));
  }
  if (first + 2 < kModels) response->set_next_page_token(std::to_string(first + 2));
  return grpc::Status::OK;
}

}  // namespace freshet
