#include "tests/bench/bare_server.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/bench_stream.h"

namespace freshet {
namespace {

// Reads without pause; each answer acknowledges everything that arrived while the one before was
// written. Deletes itself at the end.
class BareLearnStream : public grpc::ServerBidiReactor<v1::LearnRequest, v1::LearnResponse> {
 public:
  BareLearnStream() { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    absl::MutexLock lock(&mu_);
    if (!ok) {
      ended_ = true;
      Advance();
      return;
    }
    examples_ += RowCount(request_);
    read_sequence_ = request_.sequence();
    StartRead(&request_);
    Advance();
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) answered_sequence_ = read_sequence_;  // The client is gone, so reads will fail too.
    Advance();
  }

  void OnDone() override { delete this; }

 private:
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_) return;
    if (answered_sequence_ < read_sequence_) {
      writing_ = true;
      answered_sequence_ = read_sequence_;
      response_.set_sequence(read_sequence_);
      response_.set_offset(examples_);
      StartWrite(&response_);
    } else if (ended_) {
      Finish(grpc::Status::OK);
    }
  }

  v1::LearnRequest request_;    // Owned by the read under way.
  v1::LearnResponse response_;  // Owned by the write under way.

  absl::Mutex mu_;
  uint64_t examples_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t read_sequence_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t answered_sequence_ ABSL_GUARDED_BY(mu_) = 0;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

class BareService : public v1::LearningService::CallbackService {
 public:
  grpc::ServerBidiReactor<v1::LearnRequest, v1::LearnResponse>* Learn(
      grpc::CallbackServerContext* /*context*/) override {
    return new BareLearnStream;
  }

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context,
                                    const v1::PredictRequest* /*request*/,
                                    v1::PredictResponse* /*response*/) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int RunBareServer(const std::string& endpoints_file) {
  BareService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  const std::string unfinished = endpoints_file + ".tmp";
  std::ofstream(unfinished) << StrCat(R"({"grpc":"127.0.0.1:)", port, R"(","pid":)", getpid(),
                                      "}\n");
  std::filesystem::rename(unfinished, endpoints_file);
  server->Wait();
  return 0;
}

}  // namespace freshet
