// A server that is still recovering its models: it says so, and can be stopped.
//
// A faulty disk, on which the files of a model's log cannot be opened, holds the recovery up for as
// long as a test wants.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "server/service/health.grpc.pb.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/model_dir.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(60);

class StartingTest : public testing::Test {
 protected:
  // Makes a model ctr with examples, kills the server, and starts it again, held up at the model
  // `held`. If that is another model, ctr has a snapshot.
  void StartHeldUp(const std::string& held = "ctr", std::vector<std::string> flags = {}) {
    {
      auto server = ServerProcess::Start(DataDir());
      ASSERT_TRUE(server.ok()) << server.status();
      auto client = Client::Connect({.server = (*server)->address()});
      ASSERT_TRUE(client.ok()) << client.status();
      v1::LearnerSpec learner;
      learner.set_loss(v1::LOSS_LOGISTIC);
      learner.set_bits(12);
      ASSERT_TRUE((*client)->CreateModel("ctr", learner).ok());
      auto pusher = Pusher::Start(**client, "ctr", {});
      ASSERT_TRUE(pusher.ok()) << pusher.status();
      ExampleBatchBuilder batch;
      RandomExamples(1).Append(100, batch);
      ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
      ASSERT_TRUE((*pusher)->Close().ok());
      if (held != "ctr") {
        ASSERT_TRUE((*client)->CreateSnapshot("ctr").ok());
        ASSERT_TRUE((*client)->CreateModel(held, learner).ok());
      }
      (*server)->Kill();
    }
    disk_.Set({{.call = DiskCall::kOpen, .path_part = ModelDirOf(DataDir(), held) + "/log/"}});
    server_ = ServerProcess::Launch(DataDir(), std::move(flags), disk_.Environment());
    ASSERT_TRUE(server_->AwaitListening().ok()) << server_->Log();
    ASSERT_TRUE(disk_.AwaitWaiting()) << server_->Log();
    auto client = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  // Lets the recovery continue.
  void LetGo() const { disk_.Heal(); }

  std::string DataDir() const { return folder_.path(); }

  HealthCheckResponse::ServingStatus Health(const std::string& service) const {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const grpc::Status status =
        grpc::health::v1::Health::NewStub(client_->channel())->Check(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }

  TemporaryFolder folder_;
  const FaultyDisk disk_{folder_.path()};
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(StartingTest, SaysSoUntilItsModelsAreRecovered) {
  ASSERT_NO_FATAL_FAILURE(StartHeldUp());
  EXPECT_EQ(Health(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Health("models/ctr"), HealthCheckResponse::NOT_SERVING);
  const absl::Status get = client_->GetModel("ctr").status();
  EXPECT_TRUE(absl::IsUnavailable(get)) << get;
  EXPECT_THAT(std::string(get.message()), HasSubstr("is being recovered"));
  EXPECT_TRUE(absl::IsUnavailable(client_->GetModel("other").status()));
  EXPECT_TRUE(absl::IsUnavailable(client_->ListModels().status()));
  EXPECT_TRUE(absl::IsUnavailable(client_->CreateModel("new", v1::LearnerSpec()).status()));
  EXPECT_TRUE(absl::IsUnavailable(client_->Predict("ctr", Example()).status()));

  // A pusher waits for the end of the recovery.
  auto pusher = Pusher::Start(*client_, "ctr", {});
  ASSERT_TRUE(pusher.ok()) << pusher.status();
  ExampleBatchBuilder batch;
  RandomExamples(2).Append(10, batch);
  ASSERT_TRUE((*pusher)->PushBatch(batch).ok());

  LetGo();
  ASSERT_TRUE(server_->AwaitServing().ok());
  EXPECT_EQ(Health(""), HealthCheckResponse::SERVING);
  EXPECT_EQ(Health("models/ctr"), HealthCheckResponse::SERVING);
  EXPECT_TRUE((*pusher)->Close().ok());
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), 110U);
}

TEST_F(StartingTest, ProbesAndMetricsAreThereMeanwhile) {
  ASSERT_NO_FATAL_FAILURE(StartHeldUp());
  httplib::Client http("http://" + server_->http_address());
  EXPECT_EQ(http.Get("/healthz")->status, 200);
  auto ready = http.Get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 503);
  EXPECT_THAT(ready->body, StartsWith("the server is starting: "));
  const std::string progress = "\nfreshet_model_recovered_offset{model=\"ctr\"} 0\n";
  const absl::Time deadline = absl::Now() + kPatience;
  auto metrics = http.Get("/metrics");
  while (metrics && metrics->body.find(progress) == std::string::npos) {  // It has not begun yet.
    ASSERT_LT(absl::Now(), deadline) << metrics->body;
    absl::SleepFor(absl::Milliseconds(5));
    metrics = http.Get("/metrics");
  }
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->status, 200);
  EXPECT_THAT(metrics->body, HasSubstr("\nfreshet_models 0\n"));
  EXPECT_THAT(metrics->body, Not(HasSubstr("freshet_model_examples_total")));

  LetGo();
  ASSERT_TRUE(server_->AwaitServing().ok());
  EXPECT_EQ(http.Get("/readyz")->status, 200);
  metrics = http.Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_THAT(metrics->body, HasSubstr("\nfreshet_model_examples_total{model=\"ctr\"} 100\n"));
  EXPECT_THAT(metrics->body, Not(HasSubstr("freshet_model_recovered_offset")));
}

TEST_F(StartingTest, PredictsMeanwhileWhereToldSo) {
  const TemporaryFolder config;
  std::ofstream(config.path() + "/config") << "predict_while_recovering: true";
  ASSERT_NO_FATAL_FAILURE(StartHeldUp("held", {"--config=" + config.path() + "/config"}));
  Example example;
  example.Add("field", "value");
  absl::StatusOr<Prediction> early = client_->Predict("ctr", example);
  const absl::Time deadline = absl::Now() + kPatience;
  while (!early.ok()) {  // Until the snapshot is read.
    ASSERT_TRUE(absl::IsUnavailable(early.status())) << early.status();
    ASSERT_LT(absl::Now(), deadline) << early.status();
    absl::SleepFor(absl::Milliseconds(5));
    early = client_->Predict("ctr", example);
  }
  httplib::Client http("http://" + server_->http_address());
  EXPECT_EQ(
      http.Post("/v1/models/ctr:predict", R"({"examples":{"examples":[{}]}})", "application/json")
          ->status,
      200);
  EXPECT_TRUE(absl::IsUnavailable(client_->Predict("held", example).status()));
  EXPECT_TRUE(absl::IsUnavailable(client_->GetModel("ctr").status()));
  EXPECT_EQ(Health(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Health("models/ctr"), HealthCheckResponse::NOT_SERVING);

  LetGo();
  ASSERT_TRUE(server_->AwaitServing().ok());
  const absl::StatusOr<Prediction> late = client_->Predict("ctr", example);
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->score, early->score);
  EXPECT_EQ(late->offset, client_->GetModel("ctr")->offset());
}

TEST_F(StartingTest, CanBeStopped) {
  ASSERT_NO_FATAL_FAILURE(StartHeldUp());
  server_->Signal(SIGTERM);
  const absl::Status signalled = server_->AwaitLog("event=signal");
  ASSERT_TRUE(signalled.ok()) << signalled;
  LetGo();
  const ExitState end = server_->Wait();
  EXPECT_EQ(end.code, 0) << end.log;
  EXPECT_THAT(end.log, HasSubstr("event=stopped"));
  EXPECT_THAT(end.log, Not(HasSubstr("event=serving")));
}

}  // namespace
}  // namespace freshet
