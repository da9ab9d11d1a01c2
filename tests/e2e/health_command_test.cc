// `freshetd health`, the command for container probes: it needs no token and finds the server by
// itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class HealthCommandTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {BinaryDir() + "/freshetd",
                                          "--data-dir=" + folder_.path() + "/data"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    auto server = ServerProcess::StartProgram(arguments);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // Runs `freshetd health` with `flags`.
  static CommandResult Ask(const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"/usr/bin/timeout", "30", BinaryDir() + "/freshetd",
                                          "health"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return RunCommand(arguments);
  }

  // Flags with the server's addresses.
  std::vector<std::string> Addresses() const {
    return {"--listen=" + server_->address(),
            "--http=" + (server_->http_address().empty() ? "off" : server_->http_address())};
  }

  std::string TokenFlag() const {
    const std::string file = folder_.path() + "/tokens";
    RunCommand({BinaryDir() + "/freshetd", "token", "a", "--role=admin", "--file=" + file});
    return "--token-file=" + file;
  }

  const TemporaryFolder folder_;
  const TestAuthority authority_{folder_.path(), "authority"};
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(HealthCommandTest, KnowsTokensAndEncryptionOverBothProtocols) {
  const CertificateFiles files = authority_.Issue("server");
  const std::vector<std::string> plain = {};
  const std::vector<std::string> tokens = {TokenFlag()};
  const std::vector<std::string> tls = {"--tls-cert=" + files.certificate, "--tls-key=" + files.key,
                                        TokenFlag()};
  std::vector<std::string> mutual = tls;
  mutual.push_back("--tls-client-ca=" + authority_.root());
  for (const std::vector<std::string>& flags : {plain, tokens, tls, mutual}) {
    for (const std::string http : {"127.0.0.1:0", "off"}) {
      std::vector<std::string> all = flags;
      all.insert(all.end(), {"--listen=127.0.0.1:0", "--http=" + http});
      ASSERT_NO_FATAL_FAILURE(Start(all));
      std::vector<std::string> asked = flags;
      for (const std::string& address : Addresses()) asked.push_back(address);
      const CommandResult answer = Ask(asked);
      EXPECT_EQ(answer.code, 0) << answer.err;
      EXPECT_EQ(answer.err, "");
      ASSERT_EQ(server_->Stop().code, 0);
    }
  }
}

TEST_F(HealthCommandTest, TheEndpointsFileTellsPortsAndEncryption) {
  const CertificateFiles files = authority_.Issue("server");
  ASSERT_NO_FATAL_FAILURE(Start({"--listen=127.0.0.1:0", "--http=127.0.0.1:0",
                                 "--tls-cert=" + files.certificate, "--tls-key=" + files.key}));
  const std::string endpoints = folder_.path() + "/endpoints.json";
  std::ofstream(endpoints) << R"({"grpc":")" << server_->address() << R"(","http":")"
                           << server_->http_address() << R"(","tls":true,"pid":1})";
  EXPECT_EQ(Ask({"--endpoints-file=" + endpoints}).code, 0);
  const CommandResult by_variable =
      RunCommand({"/usr/bin/env", "FRESHETD_ENDPOINTS_FILE=" + endpoints, BinaryDir() + "/freshetd",
                  "health"});
  EXPECT_EQ(by_variable.code, 0) << by_variable.err;
}

TEST_F(HealthCommandTest, AnAddressOfAllInterfacesIsAskedOnLoopback) {
  ASSERT_NO_FATAL_FAILURE(Start({"--listen=0.0.0.0:0", "--http=0.0.0.0:0", "--insecure"}));
  const CommandResult answer =
      Ask({"--listen=" + server_->address(), "--http=" + server_->http_address(), "--insecure"});
  EXPECT_EQ(answer.code, 0) << answer.err;
}

// Only the first address of a name used to be asked: of localhost, this is ::1 on most machines.
TEST_F(HealthCommandTest, EveryAddressOfANameIsAsked) {
  ASSERT_NO_FATAL_FAILURE(Start({"--listen=127.0.0.1:0", "--http=127.0.0.1:0"}));
  const auto by_name = [](const std::string& address) {
    return "localhost" + address.substr(address.rfind(':'));
  };
  const std::string grpc = "--listen=" + by_name(server_->address());
  for (const std::string& http : {by_name(server_->http_address()), std::string("off")}) {
    const CommandResult answer = Ask({grpc, "--http=" + http});
    EXPECT_EQ(answer.code, 0) << answer.err;
  }
  const std::string closed = by_name(server_->http_address());
  ASSERT_EQ(server_->Stop().code, 0);
  const CommandResult refused = Ask({grpc, "--http=" + closed});
  EXPECT_EQ(refused.code, 69);
  EXPECT_THAT(refused.err, HasSubstr("cannot connect to "));
  EXPECT_THAT(refused.err, HasSubstr("127.0.0.1" + closed.substr(closed.rfind(':'))));
}

TEST_F(HealthCommandTest, AUnixSocketIsAskedToo) {
  const std::string address = "unix:" + folder_.path() + "/socket";
  ASSERT_NO_FATAL_FAILURE(Start({"--listen=" + address, "--http=off"}));
  EXPECT_EQ(Ask({"--listen=" + address, "--http=off"}).code, 0);
}

TEST_F(HealthCommandTest, WhoDoesNotServeIsUnhealthyAndTheReasonIsSaid) {
  ASSERT_NO_FATAL_FAILURE(Start({"--listen=127.0.0.1:0", "--http=127.0.0.1:0"}));
  const std::vector<std::string> addresses = Addresses();
  server_->Signal(SIGSTOP);
  std::vector<std::string> asked = addresses;
  asked.emplace_back("--timeout=0.5");
  const CommandResult silent = Ask(asked);
  EXPECT_EQ(silent.code, 69);
  EXPECT_THAT(silent.err, HasSubstr("the server does not serve: no answer over HTTP"));
  asked[1] = "--http=off";
  EXPECT_EQ(Ask(asked).code, 69);
  server_->Signal(SIGCONT);
  EXPECT_EQ(server_->Stop().code, 0);
  const CommandResult gone = Ask(addresses);
  EXPECT_EQ(gone.code, 69);
  EXPECT_THAT(gone.err, HasSubstr("Connection refused"));
  EXPECT_EQ(Ask({"--listen=nonsense"}).code, 78);
}

}  // namespace
}  // namespace freshet
