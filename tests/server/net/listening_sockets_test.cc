#include "server/net/listening_sockets.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/base/str_cat.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Reach kLocalOnly{.unprotected = "there is no encryption"};
constexpr Reach kAnywhere{};

absl::StatusOr<ListeningSockets> Bind(std::string_view text, const Reach& reach = kLocalOnly) {
  const absl::StatusOr<ListenAddress> address =
      ParseListenAddress("listen", text, UnixSockets::kAllowed);
  if (!address.ok()) return address.status();
  return ListeningSockets::Bind("listen", *address, reach);
}

SocketAddress V6(const char* number) {
  SocketAddress address;
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  v6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, number, &v6.sin6_addr);
  address.size = sizeof(v6);
  return address;
}

bool CanConnect(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const FileDescriptor client(socket(AF_UNIX, SOCK_STREAM, 0));
  return connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

TEST(ListeningSocketsTest, OnlyLoopbackIsLocal) {
  for (const char* number : {"::1", "::ffff:127.0.0.1", "::ffff:127.8.9.1"}) {
    EXPECT_TRUE(V6(number).is_local()) << number;
  }
  for (const char* number :
       {"::", "::2", "::ffff:0.0.0.0", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1"}) {
    EXPECT_FALSE(V6(number).is_local()) << number;
  }
}

TEST(ListeningSocketsTest, TheAddressSaysThePortThatWasTaken) {
  const auto sockets = Bind("127.0.0.1:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_THAT(sockets->address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(sockets->address(), "127.0.0.1:0");
  EXPECT_TRUE(sockets->is_local());
}

// Spellings, as the system accepts them, of "everywhere" and of addresses that others can reach.
TEST(ListeningSocketsTest, WhatOthersCanReachIsRefusedHoweverItIsWritten) {
  for (const char* text : {"0.0.0.0:0", "[::]:0", "0:0", "0x0:0", "00.0.0.0:0", "0.0:0",
                           "[::ffff:0.0.0.0]:0", "[0:0:0:0:0:0:0:0]:0"}) {
    const absl::Status status = Bind(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text << ": " << status;
    EXPECT_THAT(
        std::string(status.message()),
        HasSubstr("which other machines can reach, and there is no encryption; set tls and auth"));
    EXPECT_THAT(std::string(status.message()), StartsWith(StrCat("listen is ", text)));
  }
  EXPECT_THAT(std::string(Bind("0:0").status().message()), HasSubstr("that is 0.0.0.0, which"));
}

TEST(ListeningSocketsTest, LoopbackIsNotRefusedHoweverItIsWritten) {
  for (const char* text :
       {"127.0.0.1:0", "127.1:0", "127.9.9.9:0", "localhost:0", "[::ffff:127.0.0.1]:0"}) {
    const auto sockets = Bind(text);
    ASSERT_TRUE(sockets.ok()) << text << ": " << sockets.status();
    EXPECT_TRUE(sockets->is_local()) << text;
  }
}

TEST(ListeningSocketsTest, WhereItIsAllowedItIsNotLocal) {
  const auto sockets = Bind("0.0.0.0:0", kAnywhere);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_FALSE(sockets->is_local());
}

TEST(ListeningSocketsTest, ANameTakesAllItsAddressesUnderOnePort) {
  const auto sockets = Bind("localhost:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  ASSERT_TRUE(sockets->Listen().ok());
  const std::string port = sockets->address().substr(sockets->address().rfind(':'));
  for (const FileDescriptor& socket : sockets->descriptors()) {
    SocketAddress bound;
    bound.size = sizeof(bound.storage);
    getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
    EXPECT_THAT(bound.host_port(), ::testing::EndsWith(port));
  }
}

TEST(ListeningSocketsTest, ATakenPortAndAnUnknownHostAreNamed) {
  const auto first = Bind("127.0.0.1:0");
  ASSERT_TRUE(first.ok() && first->Listen().ok());
  const absl::Status taken = Bind(first->address()).status();
  EXPECT_TRUE(absl::IsUnavailable(taken)) << taken;
  EXPECT_THAT(std::string(taken.message()),
              HasSubstr(StrCat("cannot listen on ", first->address(), ": Address already in use")));
  const absl::Status unknown = Bind("no-such-host.invalid:0").status();
  EXPECT_TRUE(absl::IsUnavailable(unknown)) << unknown;
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("that host cannot be resolved"));
}

TEST(ListeningSocketsTest, AUnixSocketIsAPathAndIsRemovedInTheEnd) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/socket";
  {
    const auto sockets = Bind("unix:" + path);
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    ASSERT_TRUE(sockets->Listen().ok());
    EXPECT_EQ(sockets->address(), "unix:" + path);
    EXPECT_TRUE(sockets->is_local());
    EXPECT_TRUE(CanConnect(path));
    EXPECT_THAT(std::string(Bind("unix:" + path).status().message()),
                HasSubstr("Address already in use"));
    EXPECT_TRUE(CanConnect(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListeningSocketsTest, ASocketThatAKilledServerLeftIsTakenOverAndAFileIsNot) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/socket";
  {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const FileDescriptor left(socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(left.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  EXPECT_TRUE(Bind("unix:" + path).ok());
  std::ofstream(path) << "precious";
  EXPECT_THAT(std::string(Bind("unix:" + path).status().message()),
              HasSubstr("a file of that name exists and is not a socket"));
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

}  // namespace
}  // namespace freshet
