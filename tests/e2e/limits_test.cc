// Limits for each client and for all clients together: refusals say when to come back, and pushers
// do so.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <memory>
#include <string>

#include "client/client.h"
#include "client/pusher.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class LimitsTest : public ServerFixture {
 protected:
  void StartWithModel(const std::string& config) {
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    learning_ = v1::LearningService::NewStub(client_->channel());
  }

  // Pushes batches and returns the pusher's statistics.
  PusherStats Push(int batches, int batch_examples) {
    auto pusher = Pusher::Start(*client_, "ctr", {});
    RandomExamples random(1);
    for (int i = 0; i < batches; ++i) {
      ExampleBatchBuilder batch;
      random.Append(batch_examples, batch);
      EXPECT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    const absl::Status closed = (*pusher)->Close();
    EXPECT_TRUE(closed.ok()) << closed;
    return (*pusher)->stats();
  }

  static v1::LearnRequest Request(uint64_t sequence) {
    v1::LearnRequest request;
    request.set_model("models/ctr");
    request.set_producer_id("p");
    request.set_sequence(sequence);
    request.mutable_examples()->add_examples()->set_label(1);
    return request;
  }

  std::unique_ptr<v1::LearningService::Stub> learning_;
};

TEST_F(LimitsTest, APusherWaitsWhenItIsTooFastAndLosesNothing) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("client_limits { examples_per_second: 4000 }"));
  const PusherStats stats = Push(40, 300);  // Three seconds' worth, of which two may come at once.
  EXPECT_EQ(stats.acknowledged, 12'000U);
  EXPECT_GE(stats.reconnects, 1U);
  EXPECT_EQ(client_->ComputeDigest("ctr")->example_count, 12'000U);
}

TEST_F(LimitsTest, FullQueuesTurnPushersAwayAndTheyComeBack) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("limits { max_total_queue_bytes: 1 }"));
  EXPECT_EQ(Push(10, 50).acknowledged, 500U);
  EXPECT_EQ(client_->ComputeDigest("ctr")->example_count, 500U);
}

TEST_F(LimitsTest, TooManyCallsAreToldWhenToComeBack) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("client_limits { requests_per_second: 5 }"));
  const auto models = v1::ModelService::NewStub(client_->channel());
  v1::GetModelRequest request;
  request.set_name("models/ctr");
  grpc::Status status;
  std::string hint;
  for (int i = 0; i < 50 && status.ok(); ++i) {
    v1::GetModelResponse response;
    grpc::ClientContext context;
    status = models->GetModel(&context, request, &response);
    const auto found = context.GetServerTrailingMetadata().find("retry-after-ms");
    if (found != context.GetServerTrailingMetadata().end()) {
      hint = std::string(found->second.data(), found->second.size());
    }
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("127.0.0.1 makes more than 5 calls a second"));
  ASSERT_FALSE(hint.empty());
  EXPECT_GT(std::stoi(hint), 0);
}

TEST_F(LimitsTest, CallersOverHttpAreClientsByTheirAddresses) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("client_limits { requests_per_second: 5 }"));
  const std::string url = "http://" + server_->http_address();
  httplib::Client first(url);
  int status = 0;
  std::string body;
  for (int i = 0; i < 50 && status != 429; ++i) {
    const auto answer = first.Get("/v1/models");
    ASSERT_TRUE(answer);
    status = answer->status;
    body = answer->body;
  }
  EXPECT_EQ(status, 429);
  EXPECT_THAT(body, HasSubstr("127.0.0.1 makes more than 5 calls a second"));
  httplib::Client other(url);
  other.set_interface("127.0.0.2");  // All of 127/8 is this machine.
  EXPECT_EQ(other.Get("/v1/models")->status, 200);

  // A client cannot claim to be another one.
  const auto models = v1::ModelService::NewStub(client_->channel());
  grpc::Status refused;
  for (int i = 0; i < 50 && refused.ok(); ++i) {
    grpc::ClientContext context;
    context.AddMetadata("freshet-http-client", "10.0.0." + std::to_string(i));
    v1::GetModelResponse response;
    v1::GetModelRequest request;
    request.set_name("models/ctr");
    refused = models->GetModel(&context, request, &response);
  }
  EXPECT_THAT(refused.error_message(), HasSubstr("127.0.0.1 makes more than 5 calls a second"));
}

TEST_F(LimitsTest, AClientHasSoManyStreamsAndNoMore) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("client_limits { max_streams: 1 }"));
  grpc::ClientContext first_context;
  const auto first = learning_->Learn(&first_context);
  v1::LearnResponse response;
  ASSERT_TRUE(first->Write(Request(1)) && first->Read(&response));
  {
    grpc::ClientContext context;
    const auto second = learning_->Learn(&context);
    EXPECT_FALSE(second->Read(&response));
    const grpc::Status status = second->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), HasSubstr("client_limits.max_streams"));
  }
  first->WritesDone();
  EXPECT_FALSE(first->Read(&response));
  EXPECT_TRUE(first->Finish().ok());
  EXPECT_EQ(Push(1, 10).acknowledged, 10U);
}

TEST_F(LimitsTest, AnIdleStreamIsClosed) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("client_limits { idle_timeout_s: 1 }"));
  grpc::ClientContext context;
  const auto stream = learning_->Learn(&context);
  v1::LearnResponse response;
  ASSERT_TRUE(stream->Write(Request(1)) && stream->Read(&response));
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("idle_timeout_s"));
}

TEST_F(LimitsTest, LongAnswersThatNobodyReadsHoldTheirSenderBack) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel(""));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
  const auto stream = learning_->Learn(&context);
  constexpr uint64_t kRows = 20'000;
  v1::LearnRequest request = Request(0);
  request.set_return_predictions(true);
  for (uint64_t i = 1; i < kRows; ++i) {
    request.mutable_examples()->add_examples()->set_label(1);
  }
  uint64_t sent = 0;
  do {
    request.set_sequence(++sent);
  } while (stream->Write(request));  // Flow control blocks it until the deadline.
  stream->Finish();
  // Answers of 8 MiB, plus what the connection and the queue hold.
  const auto model = client_->GetModel("ctr");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_LT(model->offset() * kRows * 8, uint64_t{24} << 20);
}

}  // namespace
}  // namespace freshet
