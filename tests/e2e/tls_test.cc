// Encryption as users meet it: valid, wrong, expired and foreign certificates, over gRPC and HTTP.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/certificates.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TlsTest : public testing::Test {
 protected:
  TlsTest()
      : authority_(folder_.path(), "ca"),
        other_authority_(folder_.path(), "other-ca"),
        identity_(authority_.Issue("server")) {
    // OpenSSL raises SIGPIPE when it writes to a connection that the server has closed.
    signal(SIGPIPE, SIG_IGN);
  }

  void Start(std::vector<std::string> flags = {}) {
    flags.push_back("--tls-cert=" + identity_.certificate);
    flags.push_back("--tls-key=" + identity_.key);
    auto server = ServerProcess::Start(folder_.path() + "/data", std::move(flags));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  void StartMutual() { Start({"--tls-client-ca=" + authority_.root()}); }

  absl::StatusOr<std::unique_ptr<Client>> Connect(std::optional<ClientTls> tls) const {
    return Client::Connect({.server = server_->address(), .tls = std::move(tls)});
  }

  // The HTTP status of a page; 0 if the connection fails.
  int Page(const std::string& path, const CertificateFiles& identity = {},
           const std::string& root = "") const {
    const std::string address = server_->http_address();
    const size_t colon = address.rfind(':');
    httplib::SSLClient http(address.substr(0, colon), std::stoi(address.substr(colon + 1)),
                            identity.certificate, identity.key);
    http.set_ca_cert_path(root.empty() ? authority_.root().c_str() : root.c_str());
    http.enable_server_certificate_verification(true);
    const auto answer = http.Get(path);
    return answer ? answer->status : 0;
  }

  const TemporaryFolder folder_;
  const TestAuthority authority_;
  const TestAuthority other_authority_;
  const CertificateFiles identity_;
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(TlsTest, ServesThoseWhoTrustItsCertificate) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto client = Connect(ClientTls{.ca_file = authority_.root()});
  ASSERT_TRUE(client.ok()) << client.status();
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(12);
  ASSERT_TRUE((*client)->CreateModel("ctr", learner).ok());
  auto pusher = Pusher::Start(**client, "ctr", {});
  ExampleBatchBuilder batch;
  RandomExamples(1).Append(500, batch);
  ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
  ASSERT_TRUE((*pusher)->Close().ok());
  EXPECT_EQ((*client)->ComputeDigest("ctr")->example_count, 500U);
  EXPECT_EQ(Page("/metrics"), 200);
  EXPECT_EQ(Page("/v1/models/ctr"), 200);
  const CommandResult listed =
      RunCommand({BinaryDir() + "/freshet", "--server=" + server_->address(),
                  "--tls-ca=" + authority_.root(), "models", "list"});
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("ctr"));
}

// It went over a plain connection, without a word.
TEST_F(TlsTest, AClientKeyWithoutItsCertificateIsRefused) {
  const CommandResult listed = RunCommand({BinaryDir() + "/freshet", "--server=127.0.0.1:1",
                                           "--tls-key=" + identity_.key, "models", "list"});
  EXPECT_NE(listed.code, 0);
  EXPECT_THAT(listed.err, HasSubstr("give both, or neither"));
}

TEST_F(TlsTest, ALargeBodyComesThroughWhole) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto client = Connect(ClientTls{.ca_file = authority_.root()});
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(12);
  ASSERT_TRUE((*client)->CreateModel("ctr", learner).ok());
  std::string lines;
  for (int i = 0; i < 20'000; ++i) {
    lines += R"({"label":1,"namespaces":[{"name":"user","features":[{"name":"u"}]}]})"
             "\n";
  }
  const std::string address = server_->http_address();
  const size_t colon = address.rfind(':');
  httplib::SSLClient http(address.substr(0, colon), std::stoi(address.substr(colon + 1)));
  http.set_ca_cert_path(authority_.root());
  http.set_read_timeout(std::chrono::minutes(1));
  const auto answer = http.Post("/v1/models/ctr:learn", lines, "application/x-ndjson");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_THAT(answer->body, HasSubstr("\"acknowledgedCount\":20000"));
}

TEST_F(TlsTest, ThoseWhoDoNotTrustItOrDoNotEncryptGetNoConnection) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const absl::Status distrust = Connect(ClientTls{.ca_file = other_authority_.root()}).status();
  EXPECT_TRUE(absl::IsUnavailable(distrust)) << distrust;
  EXPECT_THAT(std::string(distrust.message()), HasSubstr("certificate verify failed"));
  EXPECT_THAT(std::string(distrust.message()),
              AllOf(HasSubstr("--tls-ca"), Not(HasSubstr("last error"))));
  const absl::Status plain = Connect(std::nullopt).status();
  EXPECT_TRUE(absl::IsUnavailable(plain)) << plain;
  EXPECT_THAT(std::string(plain.message()),
              AllOf(HasSubstr("--tls-ca"), Not(HasSubstr("last error"))));
  EXPECT_EQ(Page("/healthz", {}, other_authority_.root()), 0);
  const auto over_plain_http = httplib::Client("http://" + server_->http_address()).Get("/healthz");
  EXPECT_FALSE(over_plain_http);
}

TEST_F(TlsTest, AnExpiredServerIsNotTrusted) {
  authority_.Issue("server", -1);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_FALSE(Connect(ClientTls{.ca_file = authority_.root()}).ok());
  EXPECT_EQ(Page("/healthz"), 0);
}

TEST_F(TlsTest, OnlyCertificatesOfTheRightAuthorityAreLetIn) {
  ASSERT_NO_FATAL_FAILURE(StartMutual());
  const auto connect = [&](const CertificateFiles& files) {
    return Connect(ClientTls{.ca_file = authority_.root(),
                             .certificate_file = files.certificate,
                             .key_file = files.key});
  };
  const CertificateFiles right = authority_.Issue("right");
  const CertificateFiles expired = authority_.Issue("expired", -1);
  const CertificateFiles foreign = other_authority_.Issue("foreign");
  const auto client = connect(right);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE((*client)->ListModels().ok());
  EXPECT_FALSE(connect(expired).ok());
  EXPECT_FALSE(connect(foreign).ok());
  const absl::Status without = Connect(ClientTls{.ca_file = authority_.root()}).status();
  EXPECT_TRUE(absl::IsUnavailable(without)) << without;
  EXPECT_THAT(std::string(without.message()), HasSubstr("--tls-cert"));

  EXPECT_EQ(Page("/metrics", right), 200);
  EXPECT_EQ(Page("/v1/models", right), 200);
  EXPECT_EQ(Page("/metrics", expired), 0);
  EXPECT_EQ(Page("/metrics", foreign), 0);
}

TEST_F(TlsTest, ProbesNeedNoCertificate) {
  ASSERT_NO_FATAL_FAILURE(StartMutual());
  EXPECT_EQ(Page("/healthz"), 200);
  EXPECT_EQ(Page("/readyz"), 200);
  EXPECT_EQ(Page("/metrics"), 401);
  EXPECT_EQ(Page("/v1/models"), 401);
}

TEST_F(TlsTest, ANewCertificateCountsWithoutARestart) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto before = Connect(ClientTls{.ca_file = authority_.root()});
  ASSERT_TRUE(before.ok()) << before.status();
  const CertificateFiles next = other_authority_.Issue("next");
  std::filesystem::rename(next.certificate, identity_.certificate);
  std::filesystem::rename(next.key, identity_.key);
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (server_->Log().find("event=tls_reloaded") == std::string::npos) {
    ASSERT_LT(absl::Now(), deadline) << server_->Log();
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_TRUE(Connect(ClientTls{.ca_file = other_authority_.root()}).ok());
  EXPECT_FALSE(Connect(ClientTls{.ca_file = authority_.root()}).ok());
  EXPECT_EQ(Page("/healthz", {}, other_authority_.root()), 200);
  EXPECT_EQ(Page("/healthz"), 0);
  EXPECT_TRUE((*before)->ListModels().ok());  // Existing connections stay open.
}

TEST_F(TlsTest, StopsInTimeWithOpenAndFailedHandshakesRightAfterAReload) {
  ASSERT_NO_FATAL_FAILURE(StartMutual());
  const CertificateFiles right = authority_.Issue("right");
  const auto client = Connect(ClientTls{
      .ca_file = authority_.root(), .certificate_file = right.certificate, .key_file = right.key});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_FALSE(Connect(ClientTls{.ca_file = authority_.root()}).ok());
  EXPECT_FALSE(Connect(std::nullopt).ok());
  EXPECT_EQ(Page("/healthz"), 200);
  server_->Signal(SIGHUP);
  const ExitState end = server_->Stop();
  EXPECT_EQ(end.code, 0) << end.log;
  EXPECT_THAT(end.log, HasSubstr("event=stopped"));
}

TEST(ExposureTest, NobodyListensBeyondLoopbackUnprotectedByAccident) {
  const TemporaryFolder folder;
  const auto start = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {BinaryDir() + "/freshetd", "--data-dir=" + folder.path()});
    return RunCommand(flags);
  };
  const CommandResult grpc = start({"--listen=0.0.0.0:0", "--http=off"});
  EXPECT_EQ(grpc.code, 78);
  EXPECT_THAT(grpc.err, HasSubstr("listen is 0.0.0.0:0, which other machines can reach"));
  EXPECT_THAT(grpc.err, HasSubstr("--insecure"));
  const CommandResult http = start({"--listen=127.0.0.1:0", "--http=[::]:0"});
  EXPECT_EQ(http.code, 78);
  EXPECT_THAT(http.err, HasSubstr("http is [::]:0, which other machines can reach"));
}

}  // namespace
}  // namespace freshet
