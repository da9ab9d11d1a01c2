// SIGHUP, and log lines about failed calls.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <csignal>
#include <string>

#include "absl/time/clock.h"
#include "client/client.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReloadTest : public ServerFixture {
 protected:
  // Makes a call that fails and carries these ids.
  void AskForNoModel(const std::string& name, const std::string& request_id,
                     const std::string& traceparent) const {
    grpc::ClientContext context;
    context.AddMetadata("x-request-id", request_id);
    context.AddMetadata("traceparent", traceparent);
    v1::GetModelRequest request;
    request.set_name(name);
    v1::GetModelResponse response;
    const auto models = v1::ModelService::NewStub(client_->channel());
    EXPECT_FALSE(models->GetModel(&context, request, &response).ok());
  }
};

TEST_F(ReloadTest, WhatCanChangeChangesAndTheRestIsNamed) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("log_level: 'warning'"));
  EXPECT_THAT(server_->Log(), Not(HasSubstr("level=info")));
  WriteConfig(
      "log_level: 'info' client_limits { requests_per_second: 1 } limits { max_models: 7 } "
      "learner_threads: 3");
  server_->Signal(SIGHUP);
  ASSERT_NO_FATAL_FAILURE(AwaitLog("event=reconfigured"));
  EXPECT_THAT(server_->Log(), HasSubstr("event=not_reconfigured setting=limits.max_models"));
  EXPECT_THAT(server_->Log(), HasSubstr("event=not_reconfigured setting=learner_threads"));
  EXPECT_THAT(server_->Log(), Not(HasSubstr("setting=listen")));
  absl::Status status;
  for (int i = 0; i < 10 && status.ok(); ++i) status = client_->ListModels().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

TEST_F(ReloadTest, AConfigThatIsWrongChangesNothing) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(""));
  WriteConfig("snapshots { keep_count: 0 }");
  server_->Signal(SIGHUP);
  ASSERT_NO_FATAL_FAILURE(AwaitLog("event=config_not_reloaded"));
  EXPECT_THAT(server_->Log(), HasSubstr("snapshots.keep_count is 0"));
  EXPECT_TRUE(client_->ListModels().ok());
  EXPECT_EQ(server_->Stop().code, 0);
}

TEST_F(ReloadTest, AMistypedLogLevelDoesNotSilenceTheLog) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(""));
  WriteConfig("log_level: 'warnign'");
  server_->Signal(SIGHUP);
  ASSERT_NO_FATAL_FAILURE(AwaitLog(R"(log_level is \"warnign\")"));
  EXPECT_THAT(server_->Log(), HasSubstr("event=config_not_reloaded"));
  WriteConfig("log_level: 'info'");
  server_->Signal(SIGHUP);
  ASSERT_NO_FATAL_FAILURE(AwaitLog("event=reconfigured"));
}

TEST_F(ReloadTest, ACallThatFailsIsOneLineWithItsTraceAndOthersAreNone) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(""));
  AskForNoModel("models/none", "r-42", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_TRUE(client_->ListModels().ok());
  httplib::Client http("http://" + server_->http_address());
  EXPECT_EQ(http.Get("/v1/models/gone", {{"X-Request-Id", "from-http"}})->status, 404);
  const std::string log = server_->Log();
  EXPECT_THAT(log,
              HasSubstr("event=call_failed method=freshet.v1.ModelService/GetModel "
                        "code=NOT_FOUND peer=127.0.0.1 request_id=r-42 "
                        "trace_id=0af7651916cd43dd8448eb211c80319c error=\"model \\\"none\\\""));
  EXPECT_THAT(log, HasSubstr("request_id=from-http"));
  EXPECT_THAT(log, Not(HasSubstr("ListModels")));
}

TEST_F(ReloadTest, WhatACallSaysOfItselfCannotForgeALine) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(""));
  AskForNoModel("models/a\nevent=forged", "a b=\"c\"",
                "00-00000000000000000000000000000000-0000000000000000-01");
  const std::string log = server_->Log();
  EXPECT_THAT(log, HasSubstr("event=call_failed"));
  EXPECT_THAT(log, Not(HasSubstr("\nevent=forged")));
  EXPECT_THAT(log, Not(HasSubstr("request_id")));
  EXPECT_THAT(log, Not(HasSubstr("trace_id")));
}

}  // namespace
}  // namespace freshet
