// A miniature freshetd that keeps the wire contract and misbehaves on request.

#ifndef FRESHET_TESTS_CLIENT_FAKE_SERVER_H_
#define FRESHET_TESTS_CLIENT_FAKE_SERVER_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "grpcpp/server.h"

namespace freshet {

// Where a stream breaks after it has read `break_after_requests` requests.
enum class BreakPoint {
  kBeforeLearning,  // The last request is lost.
  kAfterLearning,   // The last request is learned, but not acknowledged.
};

// How the server misbehaves.
struct FakeServerBehavior {
  // A stream breaks after this many requests; 0 means never. Break points alternate.
  int break_after_requests = 0;
  // Only this many streams break, the first ones. Without a limit a slow client might need any
  // number of streams, because a stream that breaks also loses answers in transit.
  int break_stream_count = 20;
  // Acknowledges only every so many requests, and the last one of a stream. Each acknowledgement
  // covers the requests before it, as the contract allows.
  int acknowledge_every = 1;
  // Rejects rows whose label is negative, and refuses feedback whose value is.
  bool reject_negative_labels = false;
  // How many feature names each model keeps, as told to streams; not told if negative.
  int max_names = -1;
  // If not OK, streams end with this status at their first request.
  grpc::Status end_status = {};
};

// Listens on a free loopback port. Identifies rows by their labels. Thread-safe.
class FakeServer : public v1::LearningService::Service, public v1::ModelService::Service {
 public:
  explicit FakeServer(FakeServerBehavior behavior = {});
  ~FakeServer() override;

  // host:port, which stays the same after a restart.
  const std::string& address() const { return address_; }

  // Ends all streams without answering pending requests. Keeps what was learned.
  void Stop();
  void Restart();

  // From now on, streams wait before each answer until ReleaseAnswers().
  void HoldAnswers();
  void ReleaseAnswers();

  // The labels of all rows learned, in order.
  std::vector<float> learned() const;
  // Waits until `count` rows have been learned.
  void WaitUntilLearned(size_t count) const;
  // How many requests were sent again after they had been learned.
  int duplicate_count() const;
  std::vector<std::string> producers() const;
  // The feature names that clients sent, as namespace^name, in order.
  std::vector<std::string> names() const;
  // The events that were pushed or logged, as id@time, or id without a time, in order.
  std::vector<std::string> events() const;
  // The feedback that was accepted, as "id name value", in order.
  std::vector<std::string> feedback() const;

  grpc::Status Learn(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::LearnResponse, v1::LearnRequest>* stream) override;
  // Refuses items without an event id by themselves.
  grpc::Status Feedback(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::FeedbackResponse, v1::FeedbackRequest>* stream) override;
  grpc::Status Predict(grpc::ServerContext* context, const v1::PredictRequest* request,
                       v1::PredictResponse* response) override;
  grpc::Status GetModel(grpc::ServerContext* context, const v1::GetModelRequest* request,
                        v1::GetModelResponse* response) override;
  grpc::Status ListModels(grpc::ServerContext* context, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override;

 private:
  void Listen(const std::string& address);
  // Learns a batch, or returns the error for it.
  v1::LearnResponse Apply(const v1::LearnRequest& request);
  v1::FeedbackResponse Apply(const v1::FeedbackRequest& request);
  // Serves one stream of either kind.
  template <typename Request, typename Response>
  grpc::Status Serve(grpc::ServerReaderWriter<Response, Request>* stream);

  const FakeServerBehavior behavior_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;

  mutable std::mutex mu_;
  mutable std::condition_variable changed_;
  bool holding_ = false;
  bool stopping_ = false;
  int stream_count_ = 0;
  int duplicate_count_ = 0;
  uint64_t offset_ = 0;
  std::map<std::string, uint64_t> last_sequences_;  // By producer.
  std::vector<float> learned_;
  std::vector<std::string> names_;
  std::vector<std::string> events_;
  std::vector<std::string> feedback_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_CLIENT_FAKE_SERVER_H_
