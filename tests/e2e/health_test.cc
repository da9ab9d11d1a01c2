// gRPC's standard health service, as used by probes and load balancers.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "server/service/health.grpc.pb.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class HealthTest : public ServerFixture {
 protected:
  // One call of the method Watch.
  class Watch {
   public:
    Watch(Health::Stub& stub, const std::string& service) {
      context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
      HealthCheckRequest request;
      request.set_service(service);
      reader_ = stub.Watch(&context_, request);
    }
    // The next status; UNKNOWN at the end of the stream.
    HealthCheckResponse::ServingStatus Next() {
      HealthCheckResponse response;
      return reader_->Read(&response) ? response.status() : HealthCheckResponse::UNKNOWN;
    }
    grpc::Status Finish() { return reader_->Finish(); }

   private:
    grpc::ClientContext context_;
    std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
  };

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    health_ = Health::NewStub(client_->channel());
  }

  std::pair<grpc::StatusCode, HealthCheckResponse::ServingStatus> Check(
      const std::string& service) const {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const grpc::Status status = health_->Check(&context, request, &response);
    return {status.error_code(), response.status()};
  }

  std::unique_ptr<Health::Stub> health_;
};

TEST_F(HealthTest, ServerAndModelsServeAndOthersAreNotKnown) {
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  const auto serving = std::pair(grpc::StatusCode::OK, HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(""), serving);
  EXPECT_EQ(Check("models/ctr"), serving);
  EXPECT_EQ(Check("models/none").first, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Check("ctr").first, grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthTest, WhoWatchesAModelSeesItComeAndGoAndTheServerStop) {
  Watch watch(*health_, "models/ctr");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  ASSERT_TRUE(client_->DeleteModel("ctr").ok());
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  Watch server_watch(*health_, "");
  EXPECT_EQ(server_watch.Next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(server_->Stop().code, 0);
  for (Watch* watching : {&watch, &server_watch}) {
    EXPECT_EQ(watching->Next(), HealthCheckResponse::NOT_SERVING);
    EXPECT_EQ(watching->Next(), HealthCheckResponse::UNKNOWN);
    EXPECT_EQ(watching->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(HealthTest, AModelWhoseLogCannotBeWrittenDoesNotServeUntilItCan) {
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  Watch watch(*health_, "models/ctr");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  rlimit before{};
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, nullptr, &before), 0);
  rlimit small = before;
  small.rlim_cur = 64 << 10;
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &small, nullptr), 0);
  auto pusher = Pusher::Start(*client_, "ctr", {.initial_backoff_ms = 5, .max_backoff_ms = 50});
  ASSERT_TRUE(pusher.ok()) << pusher.status();
  RandomExamples random(7);
  for (int i = 0; i < 100; ++i) {
    ExampleBatchBuilder batch;
    random.Append(100, batch);
    ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
  }
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("models/ctr").second, HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("").second, HealthCheckResponse::SERVING);  // It still predicts.
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &before, nullptr), 0);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  EXPECT_TRUE((*pusher)->Close().ok());
}

}  // namespace
}  // namespace freshet
