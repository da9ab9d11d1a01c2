// Stopping a server whose clients keep their connections open: it shuts down properly and in time,
// and loses nothing.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/support/certificates.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Far above the grace in these tests, and far below the time that idle connections are allowed.
constexpr char kShortGrace[] = "drain_grace_s: 1";
constexpr absl::Duration kInTime = absl::Seconds(20);

// A TCP connection that sends `text` and then does nothing.
class IdleConnection {
 public:
  IdleConnection(const std::string& address, const std::string& text)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in target = {};
    target.sin_family = AF_INET;
    target.sin_port =
        htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&target), sizeof(target)), 0);
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  ~IdleConnection() { close(socket_); }
  IdleConnection(const IdleConnection&) = delete;
  IdleConnection& operator=(const IdleConnection&) = delete;

 private:
  const int socket_;
};

class DrainTest : public ServerFixture {
 protected:
  void AwaitExamples(uint64_t count) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (client_->GetModel("ctr")->example_count() < count) {
      ASSERT_LT(absl::Now(), deadline);
      absl::SleepFor(absl::Milliseconds(5));
    }
  }
};

TEST_F(DrainTest, AClientThatReadsNothingIsCutOffAfterTheGraceAndNothingIsLost) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  constexpr int kRows = 20'000;
  constexpr int kRequests = 3;
  v1::LearnRequest request;
  request.set_model("models/ctr");
  request.set_producer_id("deaf");
  request.set_return_predictions(true);  // Answers exceed the flow-control window.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // Keeps that window fixed.
  for (int i = 0; i < kRows; ++i) request.mutable_examples()->add_examples()->set_label(1);
  const auto stub = v1::LearningService::NewStub(
      grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  const auto stream = stub->Learn(&context);
  for (int i = 1; i <= kRequests; ++i) {
    request.set_sequence(static_cast<uint64_t>(i));
    ASSERT_TRUE(stream->Write(request));
  }
  ASSERT_NO_FATAL_FAILURE(AwaitExamples(uint64_t{kRequests} * kRows));

  server_->Signal(SIGTERM);
  const ExitState ended = server_->Wait(kInTime);
  EXPECT_EQ(ended.code, 0) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("event=streams_cut_off count=1"));
  EXPECT_THAT(ended.log, HasSubstr("event=stopped"));
  v1::LearnResponse response;
  while (stream->Read(&response)) {
  }
  EXPECT_FALSE(stream->Finish().ok());

  // The snapshot holds what was learned, and what the client sends again is not learned again.
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  const auto model = client_->GetModel("ctr");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->example_count(), uint64_t{kRequests} * kRows);
  EXPECT_EQ(model->storage().snapshot_offset(), uint64_t{kRequests});
  const auto again = v1::LearningService::NewStub(client_->channel());
  grpc::ClientContext second_context;
  const auto resend = again->Learn(&second_context);
  ASSERT_TRUE(resend->Write(request) && resend->Read(&response));
  EXPECT_TRUE(response.duplicate());
}

TEST_F(DrainTest, AStreamThatSendsNothingIsToldAndNotWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  const auto stub = v1::LearningService::NewStub(client_->channel());
  grpc::ClientContext context;
  const auto stream = stub->Learn(&context);
  v1::LearnRequest request;
  request.set_model("models/ctr");
  request.set_producer_id("idle");
  request.set_sequence(1);
  request.mutable_examples()->add_examples()->set_label(1);
  v1::LearnResponse response;
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  const ExitState ended = server_->Stop();
  EXPECT_EQ(ended.code, 0) << ended.log;
  EXPECT_THAT(ended.log, Not(HasSubstr("event=streams_cut_off")));
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("the server is stopping"));
}

TEST_F(DrainTest, ARequestOverHttpWhoseBodyNeverComesDoesNotHoldItUp) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  const IdleConnection body(server_->http_address(),
                            "POST /v1/models/ctr:learn HTTP/1.1\r\nHost: localhost\r\n"
                            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{");
  const IdleConnection head(server_->http_address(), "GET /met");
  server_->Signal(SIGTERM);
  const ExitState ended = server_->Wait(kInTime);
  EXPECT_EQ(ended.code, 0) << ended.log;
}

TEST_F(DrainTest, HandshakesThatNeverEndDoNotHoldItUp) {
  const TestAuthority authority(folder_.path(), "ca");
  const CertificateFiles identity = authority.Issue("server");
  WriteConfig(StrCat(kShortGrace, " tls { certificate_file: '", identity.certificate,
                     "' key_file: '", identity.key, "' }"));
  auto server = ServerProcess::Start(data_dir_, {"--config=" + folder_.path() + "/config"});
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  std::vector<std::unique_ptr<IdleConnection>> connections;
  for (const std::string& address : {server_->address(), server_->http_address()}) {
    // Nothing; the beginning of a ClientHello; something that is not one.
    for (const std::string& text :
         {std::string(), std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
          std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}) {
      connections.push_back(std::make_unique<IdleConnection>(address, text));
    }
  }
  server_->Signal(SIGTERM);
  const ExitState ended = server_->Wait(kInTime);
  EXPECT_EQ(ended.code, 0) << ended.log;
}

}  // namespace
}  // namespace freshet
