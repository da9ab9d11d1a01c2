// What a client can do to the gRPC endpoint without proving who it is: take memory, connections and
// turns. The test attacks from outside, while a well-behaved client works.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "client/client.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "tests/support/process_usage.h"
#include "tests/support/raw_http2.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr size_t kMebibyte = size_t{1} << 20;
constexpr const char* kPredict = "/freshet.v1.LearningService/Predict";
constexpr const char* kCheck = "/grpc.health.v1.Health/Check";

class HostileGrpcTest : public ServerFixture {
 protected:
  static void SetUpTestSuite() {  // The tests open thousands of connections.
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }

  // Starts the server from a shell that first runs `ulimit`.
  void StartWithUlimit(const std::string& ulimit) {
    auto server = ServerProcess::StartProgram(
        {"/bin/sh", "-c", "ulimit " + ulimit + "; exec \"$@\"", "sh", BinaryDir() + "/freshetd",
         "--listen=127.0.0.1:0", "--http=127.0.0.1:0", "--data-dir=" + data_dir_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ConnectAnew();
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  }

  void StartWithModel(const std::string& config = "") {
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  }

  // Starts the server with a token that no client here has.
  void StartWithTokens() {
    const std::string file = folder_.path() + "/tokens";
    ASSERT_EQ(
        RunCommand({BinaryDir() + "/freshetd", "token", "a", "--role=admin", "--file=" + file})
            .code,
        0);
    ASSERT_NO_FATAL_FAILURE(StartWithConfig("auth { token_file: '" + file + "' }"));
  }

  void ConnectAnew() {
    client_.reset();
    auto client = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  // The same for a client that connects now and also takes a snapshot.
  void ExpectHealthy() {
    ASSERT_NO_FATAL_FAILURE(ConnectAnew());
    ServerFixture::ExpectHealthy();
    const auto snapshot = client_->CreateSnapshot("ctr", "");
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  }

  // Over one connection, sends parts of many messages without finishing any. Returns how far the
  // server's peak memory is above its memory before.
  uint64_t SendHalfMessages(int calls, const char* path) {
    const uint64_t before = MemoryBytes(server_->pid());
    attackers_.emplace_back(server_->address());
    RawHttp2& attacker = attackers_.back();
    EXPECT_TRUE(attacker.SendPreface());
    attacker.Read(5'000);  // Learns the server's windows.
    std::vector<uint32_t> streams;
    streams.reserve(static_cast<size_t>(calls));
    for (int i = 0; i < calls; ++i) streams.push_back(attacker.BeginCall(path));
    constexpr size_t kMessage = 16 * kMebibyte - 1000;
    constexpr int kIdleRounds = 5;
    for (int idle = 0; idle < kIdleRounds;) {
      size_t sent = 0;
      for (const uint32_t stream : streams) {
        sent += attacker.SendPart(stream, 64 << 10, kMessage);
      }
      idle = sent == 0 ? idle + 1 : 0;
      if (!attacker.Read(sent == 0 ? 200 : 0)) break;
    }
    return std::max(PeakMemoryBytes(server_->pid()), before) - before;
  }

  // A channel with its own connection, which nothing else shares.
  std::shared_ptr<grpc::Channel> OwnChannel(const std::string& address) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }

  // Lists the models once, without waiting for a connection that cannot be established.
  static grpc::Status List(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::ListModelsResponse response;
    return v1::ModelService::NewStub(channel)->ListModels(&context, {}, &response);
  }

  std::vector<RawHttp2> attackers_;
};

TEST_F(HostileGrpcTest, MessagesThatAreNeverFinishedTakeNoMoreThanTheirQuota) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  EXPECT_LT(SendHalfMessages(60, kPredict), 640 * kMebibyte);  // limits.max_receiving_bytes is 512.
  ExpectHealthy();
}

TEST_F(HostileGrpcTest, ASmallQuotaHoldsToo) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("limits { max_receiving_bytes: 67108864 }"));
  // gRPC reclaims memory a moment after the quota was exceeded, and a fast sender is quicker.
  // Without a quota this would be 640 MB.
  EXPECT_LT(SendHalfMessages(40, kPredict), 512 * kMebibyte);
  EXPECT_LT(SendHalfMessages(40, kCheck), 512 * kMebibyte);
  ExpectHealthy();
}

TEST_F(HostileGrpcTest, NothingIsReadOfACallWithoutAToken) {
  ASSERT_NO_FATAL_FAILURE(StartWithTokens());
  EXPECT_LT(SendHalfMessages(60, kPredict), 32 * kMebibyte);
  EXPECT_EQ(attackers_.back().ended_count(), 60U);
  EXPECT_LT(SendHalfMessages(60, "/freshet.v1.LearningService/Learn"), 32 * kMebibyte);
  EXPECT_EQ(attackers_.back().ended_count(), 60U);
}

TEST_F(HostileGrpcTest, WhatIsCompressedIsRefusedAndNotInflated) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  const uint64_t before = MemoryBytes(server_->pid());
  const auto stub = v1::LearningService::NewStub(client_->channel());
  v1::PredictRequest request;
  request.set_model(std::string(200 * kMebibyte, 'a'));  // A thousandth of it goes over the wire.
  for (const grpc_compression_algorithm algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    v1::PredictResponse response;
    const grpc::Status status = stub->Predict(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("accepts no compressed messages"));
  }
  v1::LearnRequest learn;
  learn.set_model(std::move(*request.mutable_model()));
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  const auto stream = stub->Learn(&context);
  stream->Write(learn);
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_LT(PeakMemoryBytes(server_->pid()) - before, 48 * kMebibyte);
  ExpectHealthy();
}

TEST_F(HostileGrpcTest, ConnectionsThatSayNothingKeepNobodyOut) {
  ASSERT_NO_FATAL_FAILURE(StartWithUlimit("-Sn 1024"));
  for (int i = 0; i < 3'000; ++i) {
    RawHttp2 attacker(server_->address());
    ASSERT_TRUE(attacker.connected());
    if (i % 3 == 1) attacker.SendPreface();
    if (i % 3 == 2) attacker.Send("P");
    attackers_.push_back(std::move(attacker));
  }
  ExpectHealthy();
  for (RawHttp2& attacker : attackers_) attacker.Send("R");  // A byte now and then.
  ExpectHealthy();
}

TEST_F(HostileGrpcTest, FewDescriptorsMeanFewConnectionsAndStillASnapshot) {
  ASSERT_NO_FATAL_FAILURE(StartWithUlimit("-n 512"));
  EXPECT_THAT(server_->Log(), HasSubstr("event=connections_capped limit=128"));
  for (int i = 0; i < 1'000; ++i) attackers_.emplace_back(server_->address());
  // By then the oldest connections are no longer safe from new ones (ConnectionTable::kChance).
  absl::SleepFor(absl::Seconds(1));
  ExpectHealthy();
  EXPECT_THAT(server_->Log(), testing::Not(HasSubstr("event=connection_not_accepted")));
}

TEST_F(HostileGrpcTest, WhoDoesNotSpeakGrpcIsClosed) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  RawHttp2 silent(server_->address());
  RawHttp2 trickling(server_->address());
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r";
  bool silent_is_open = true;
  bool trickling_is_open = true;
  while (silent_is_open || trickling_is_open) {
    ASSERT_LT(absl::Now(), deadline);
    if (silent_is_open) silent_is_open = silent.Read(500);
    if (trickling_is_open) trickling_is_open = trickling.Read(500);
    if (trickling_is_open && !preface.empty()) trickling.Send(preface.substr(0, 1));
    if (!preface.empty()) preface.erase(0, 1);
  }
}

TEST_F(HostileGrpcTest, OneAddressHasSoManyConnectionsAndNoMore) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("client_limits { max_connections: 3 }"));
  client_.reset();
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 3; ++i) {
    channels.push_back(OwnChannel(server_->address()));
    const grpc::Status status = List(channels.back());
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(List(OwnChannel(server_->address())).error_code(), grpc::StatusCode::UNAVAILABLE);
  for (const auto& channel : channels) EXPECT_TRUE(List(channel).ok());
  channels.pop_back();
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (!List(OwnChannel(server_->address())).ok()) ASSERT_LT(absl::Now(), deadline);
  const auto metrics = httplib::Client("http://" + server_->http_address()).Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_THAT(metrics->body,
              ContainsRegex("freshet_grpc_connections_refused_total\\{limit=\"address\"\\} [1-9]"));
  EXPECT_THAT(metrics->body,
              HasSubstr("freshet_grpc_connections_refused_total{limit=\"total\"} 0"));
}

// The server must recognize a client's connection under every kind of address; otherwise it would
// take clients for strangers and close their connections.
TEST_F(HostileGrpcTest, AClientIsKnownByWhicheverAddressItComes) {
  struct Case {
    std::string listen;
    std::string from;  // The host to connect to.
  };
  for (const Case& test : {Case{"127.0.0.1:0", "127.0.0.1"}, Case{"[::1]:0", "[::1]"},
                           Case{"[::]:0", "127.0.0.1"}, Case{"[::]:0", "[::1]"}}) {
    WriteConfig("limits { max_connections: 1 }");
    auto server = ServerProcess::Start(data_dir_, {"--listen=" + test.listen, "--insecure",
                                                   "--config=" + folder_.path() + "/config"});
    if (!server.ok() && test.listen.starts_with("[")) continue;  // This machine may have no IPv6.
    ASSERT_TRUE(server.ok()) << server.status();
    const std::string port = (*server)->address().substr((*server)->address().rfind(':'));
    const auto client = OwnChannel(test.from + port);
    const grpc::Status first = List(client);
    EXPECT_TRUE(first.ok()) << test.listen << ": " << first.error_message();
    // From now on the server would close a stranger's connection to make room for a new one.
    absl::SleepFor(absl::Milliseconds(1100));
    EXPECT_EQ(List(OwnChannel(test.from + port)).error_code(), grpc::StatusCode::UNAVAILABLE)
        << test.listen;
    EXPECT_TRUE(List(client).ok()) << test.listen;
    (*server)->Stop();
  }
}

TEST_F(HostileGrpcTest, OneConnectionHasSoManyCallsAndNoMore) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  const uint64_t before = MemoryBytes(server_->pid());
  RawHttp2 attacker(server_->address());
  ASSERT_TRUE(attacker.SendPreface());
  for (int i = 0; i < 20'000; ++i) {
    attacker.BeginCall(kPredict);
    attacker.Read(0);
  }
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (attacker.ended_count() < 18'000 && absl::Now() < deadline) {
    if (!attacker.Read(100)) break;  // A client that continues like this is cut off.
  }
  EXPECT_LT(PeakMemoryBytes(server_->pid()) - before, 512 * kMebibyte);  // The quota.
  ExpectHealthy();
}

}  // namespace
}  // namespace freshet
