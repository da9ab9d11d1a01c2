#include "server/net/connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A socket on a free port of loopback, which accepts connections only if it listens.
struct Socket {
  explicit Socket(bool listens) : descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto& in = reinterpret_cast<sockaddr_in&>(address.storage);
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.size = sizeof(in);
    auto* const any = reinterpret_cast<sockaddr*>(&address.storage);
    EXPECT_EQ(bind(descriptor.get(), any, address.size), 0);
    EXPECT_EQ(getsockname(descriptor.get(), any, &address.size), 0);
    if (listens) {
      EXPECT_EQ(listen(descriptor.get(), 1), 0);
    }
  }

  FileDescriptor descriptor;
  SocketAddress address;
};

std::chrono::steady_clock::time_point InAWhile() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

// Only the first address was tried: a server that listens on 127.0.0.1 alone was not found as
// localhost where that is ::1 first.
TEST(ConnectTest, AnAddressThatRefusesDoesNotHideTheNext) {
  const Socket refuses(false);
  const Socket accepts(true);
  for (const auto& addresses : {std::vector{refuses.address, accepts.address},
                                std::vector{accepts.address, refuses.address}}) {
    const absl::StatusOr<FileDescriptor> connection = ConnectToAny(addresses, InAWhile());
    ASSERT_TRUE(connection.ok()) << connection.status();
    SocketAddress peer;
    peer.size = sizeof(peer.storage);
    ASSERT_EQ(
        getpeername(connection->get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size), 0);
    EXPECT_EQ(peer.host_port(), accepts.address.host_port());
  }
}

TEST(ConnectTest, EveryAddressThatRefusedIsNamed) {
  const Socket one(false);
  const Socket two(false);
  const absl::Status status = ConnectToAny({one.address, two.address}, InAWhile()).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("cannot connect to " + one.address.host_port() + ": "),
                    HasSubstr(", nor to " + two.address.host_port() + ": ")));
}

TEST(ConnectTest, ADeadlineThatHasPassedIsNoTimeoutWithoutEnd) {
  const Socket accepts(true);
  const absl::StatusOr<FileDescriptor> connection =
      ConnectToAny({accepts.address}, std::chrono::steady_clock::now());
  if (!connection.ok()) return;  // Connecting took too long.
  char byte = 0;
  EXPECT_EQ(recv(connection->get(), &byte, 1, 0), -1);
}

}  // namespace
}  // namespace freshet
