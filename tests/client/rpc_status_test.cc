#include "client/rpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

grpc::Status Unavailable(const std::string& message) {
  return {grpc::StatusCode::UNAVAILABLE, message};
}

// gRPC 1.51's own words.
constexpr char kConnecting[] = "failed to connect to all addresses; last error: ";

// Users were shown "last error: UNKNOWN: ipv4:127.0.0.1:7400: Ssl handshake failed: SSL_ERROR_SSL".
TEST(RpcStatusTest, TheCauseIsShownWithoutGrpcsInnards) {
  struct Case {
    std::string message;
    std::string cause;
  };
  const std::string ssl = "UNKNOWN: ipv4:127.0.0.1:7400: Ssl handshake failed: SSL_ERROR_SSL: ";
  for (const Case& c :
       {Case{"UNKNOWN: ipv4:127.0.0.1:7400: Failed to connect to remote host: Connection refused",
             "(Connection refused)"},
        Case{"UNKNOWN: unix:/run/x: No such file or directory", "(No such file or directory)"},
        Case{"UNKNOWN: ipv4:127.0.0.1:7401: Trying to connect an http1.x server",
             "(an HTTP server answers there)"},
        Case{"UNAVAILABLE: ipv4:127.0.0.1:7400: recvmsg:Connection reset by peer",
             "(it closed the connection)"},
        Case{ssl + "error:0A000086:SSL routines::certificate verify failed",
             "(certificate verify failed)"},
        Case{ssl + "error:0A00010B:SSL routines::wrong version number",
             "(it does not answer with TLS)"},
        Case{"UNKNOWN: ipv6:%5B::1%5D:7400: Peer name ::1 is not in peer certificate",
             "(Peer name ::1 is not in peer certificate)"}}) {
    for (const bool encrypted : {false, true}) {
      const absl::Status status =
          NoConnection(Unavailable(kConnecting + c.message), "ml:7400", encrypted);
      EXPECT_TRUE(absl::IsUnavailable(status));
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr("ml:7400 " + c.cause), HasSubstr("--server"),
                        Not(HasSubstr("last error")), Not(HasSubstr("SSL"))));
    }
    EXPECT_THAT(
        std::string(FromRpcStatus(Unavailable(kConnecting + c.message), "ml:7400").message()),
        HasSubstr("no server answers at ml:7400 " + c.cause));
  }
}

TEST(RpcStatusTest, ANameThatCannotBeResolvedIsSaidToBeOne) {
  const grpc::Status status = Unavailable(
      "DNS resolution failed for ml:7400: C-ares status is not ARES_SUCCESS qtype=AAAA name=ml "
      "is_balancer=0: Domain name not found");
  EXPECT_TRUE(WasRefused(status));
  EXPECT_EQ(FromRpcStatus(status, "ml:7400"), NoConnection(status, "ml:7400", true));
  EXPECT_THAT(std::string(FromRpcStatus(status, "ml:7400").message()),
              AllOf(HasSubstr("at ml:7400 (its name cannot be resolved)"), Not(HasSubstr("ARES"))));
}

TEST(RpcStatusTest, ALostConnectionIsNotAnAbsentServer) {
  for (const char* message : {"Socket closed", "recvmsg:Connection reset by peer", "Broken pipe",
                              "keepalive watchdog timeout", "GOAWAY received"}) {
    EXPECT_EQ(FromRpcStatus(Unavailable(message), "ml:7400").message(),
              "the connection to ml:7400 was lost");
  }
}

TEST(RpcStatusTest, ARequestThatIsTooLargeIsSaidToBeAndNotTriedAgain) {
  const absl::Status status =
      FromRpcStatus({grpc::StatusCode::RESOURCE_EXHAUSTED,
                     "Received message larger than max (20000000 vs. 16777216)"},
                    "ml:7400");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("limits.max_message_bytes"), Not(HasSubstr("vs."))));
  EXPECT_FALSE(IsTransient(status));
  EXPECT_TRUE(IsTransient(absl::ResourceExhaustedError("too many examples wait")));
}

TEST(RpcStatusTest, TheServersOwnWordsStay) {
  for (const char* message : {"the server is stopping", "log/0: No such file or directory",
                              "model \"a\": its log: full"}) {
    EXPECT_EQ(FromRpcStatus(Unavailable(message), "ml:7400").message(), message);
  }
}

}  // namespace
}  // namespace freshet
