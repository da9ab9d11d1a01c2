// A freshetd in miniature that keeps the wire's contract and misbehaves where told to.

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

// Where a stream breaks, once it has read `break_after_requests` requests.
enum class BreakPoint {
  kBeforeLearning,  // The last request is lost.
  kAfterLearning,   // The last request is learned, its acknowledgement lost.
};

// How the server misbehaves.
struct FakeServerBehavior {
  // A stream breaks after so many requests; 0: never. Break points alternate.
  int break_after_requests = 0;
  // So many streams break; those after them do not. Answers on their way may be lost with a stream,
  // so that a slow client could need any number of them.
  int break_stream_count = 20;
  // Acknowledges only every so many requests, and the last of a stream; the answers in between are
  // covered by the next, as the contract allows.
  int acknowledge_every = 1;
  // Rows whose label is negative are rejected.
  bool reject_negative_labels = false;
  // How many names of features each model keeps, as a server says to streams; negative: not said.
  int max_names = -1;
  // When not OK, streams end with this at their first request.
  grpc::Status end_status = {};
};

// Listens on a free loopback port. A row is known by its label. Threads: all methods may be called
// at once.
class FakeServer : public v1::LearningService::Service, public v1::ModelService::Service {
 public:
  explicit FakeServer(FakeServerBehavior behavior = {});
  ~FakeServer() override;

  // host:port; the same after a restart.
  const std::string& address() const { return address_; }

  // Ends all streams, and what was not answered stays so. What was learned is kept.
  void Stop();
  void Restart();

  // From now on, streams wait before each answer until ReleaseAnswers().
  void HoldAnswers();
  void ReleaseAnswers();

  // The labels of all rows learned, in order.
  std::vector<float> learned() const;
  // Waits until so many rows have been learned.
  void WaitUntilLearned(size_t count) const;
  // How many requests each producer sent that had been learned before.
  int duplicate_count() const;
  std::vector<std::string> producers() const;
  // The names that were sent, as namespace^name, in order.
  std::vector<std::string> names() const;

  grpc::Status Learn(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::LearnResponse, v1::LearnRequest>* stream) override;
  grpc::Status Predict(grpc::ServerContext* context, const v1::PredictRequest* request,
                       v1::PredictResponse* response) override;
  grpc::Status GetModel(grpc::ServerContext* context, const v1::GetModelRequest* request,
                        v1::GetModelResponse* response) override;
  grpc::Status ListModels(grpc::ServerContext* context, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override;

 private:
  void Listen(const std::string& address);
  // Learns a batch or says why not.
  v1::LearnResponse Apply(const v1::LearnRequest& request);

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
};

}  // namespace freshet

#endif  // FRESHET_TESTS_CLIENT_FAKE_SERVER_H_
