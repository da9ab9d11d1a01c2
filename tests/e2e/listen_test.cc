// Where a server really listens, seen from outside, for every way to write its addresses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "client/client.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// The inode numbers of the sockets that a process has open.
std::set<std::string> SocketsOf(pid_t pid) {
  std::set<std::string> sockets;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ignored)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
    if (target.starts_with("socket:[")) sockets.insert(target.substr(8, target.size() - 9));
  }
  return sockets;
}

// The addresses on which a process listens, without ports, as written in /proc/net/tcp and tcp6.
std::vector<std::string> ListeningAddresses(pid_t pid) {
  constexpr const char* kListen = "0A";
  const std::set<std::string> sockets = SocketsOf(pid);
  std::vector<std::string> addresses;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::array<std::string, 10> word;
      for (std::string& next : word) words >> next;
      if (word[3] != kListen || !sockets.contains(word[9])) continue;
      addresses.push_back(word[1].substr(0, word[1].find(':')));
    }
  }
  return addresses;
}

// 127.0.0.1, ::1 and ::ffff:127.0.0.1. Other addresses in 127/8 end like the first.
auto IsLoopback() {
  return AnyOf(testing::MatchesRegex("......7F"),
               testing::StrEq("00000000000000000000000001000000"),
               testing::MatchesRegex("0000000000000000FFFF0000......7F"));
}

// Starts a server with the addresses `listen` and `http` on a folder of its own, and stops it.
CommandResult StartAndEnd(const std::string& listen, const std::string& http) {
  const TemporaryFolder folder;
  return RunCommand({"/usr/bin/timeout", "20", BinaryDir() + "/freshetd", "--listen=" + listen,
                     "--http=" + http, "--data-dir=" + folder.path() + "/data"});
}

TEST(ListenTest, WhatIsNoAddressOrReachesBeyondLoopbackIsRefused) {
  for (const char* text : {"0.0.0.0",
                           "::",
                           "[::]",
                           "0.0.0.0:http",
                           "0.0.0.0:99999",
                           "0.0.0.0:65536",
                           "0.0.0.0:-1",
                           "0.0.0.0:+1",
                           "0.0.0.0: 1",
                           "0.0.0.0:1 ",
                           "0.0.0.0:",
                           "[::]:",
                           "[::]:http",
                           ":0",
                           ":::0",
                           "dns:0.0.0.0:0",
                           "dns:localhost:0",
                           "dns:///0.0.0.0:0",
                           "ipv4:0.0.0.0:0",
                           "ipv6:[::]:0",
                           "*:0",
                           "localhost",
                           "http://0.0.0.0:0",
                           "127.0.0.1:0,0.0.0.0:0",
                           "unix-abstract:x",
                           "unix:@x",
                           "[0.0.0.0]:0",
                           "0.0.0.0:0",
                           "[::]:0",
                           "0:0",
                           "0x0:0",
                           "0.0:0",
                           "[::ffff:0.0.0.0]:0",
                           "[0::0]:0"}) {
    const CommandResult grpc = StartAndEnd(text, "127.0.0.1:0");
    EXPECT_EQ(grpc.code, 78) << text << ": " << grpc.err;
    EXPECT_THAT(grpc.err, StartsWith("freshetd: listen is ")) << text;
    EXPECT_THAT(grpc.err, Not(HasSubstr("event="))) << text;  // It did not begin to start.
    const CommandResult http = StartAndEnd("127.0.0.1:0", text);
    EXPECT_EQ(http.code, 78) << text << ": " << http.err;
    EXPECT_THAT(http.err, StartsWith("freshetd: http is ")) << text;
    EXPECT_THAT(http.err, Not(HasSubstr("event="))) << text;
  }
}

TEST(ListenTest, WhatIsLoopbackListensThereAndNowhereElse) {
  for (const char* text :
       {"127.0.0.1:0", "127.1:0", "127.3.2.1:0", "localhost:0", "[::ffff:127.0.0.1]:0"}) {
    const TemporaryFolder folder;
    for (const std::string flag : {"--listen=", "--http="}) {
      const auto server = ServerProcess::Start(folder.path() + "/data", {flag + text});
      ASSERT_TRUE(server.ok()) << text << ": " << server.status();
      const std::vector<std::string> addresses = ListeningAddresses((*server)->pid());
      EXPECT_GE(addresses.size(), 2U) << text;
      EXPECT_THAT(addresses, Each(IsLoopback())) << text;
      if (std::string_view(text).starts_with("127.1:")) continue;  // Clients reject this form.
      const auto client = Client::Connect({.server = (*server)->address()});
      EXPECT_TRUE(client.ok()) << text << ": " << client.status();
    }
  }
}

TEST(ListenTest, InsecureListensWhereItWasToldTo) {
  const TemporaryFolder folder;
  const auto server =
      ServerProcess::Start(folder.path() + "/data", {"--listen=0.0.0.0:0", "--insecure"});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT(ListeningAddresses((*server)->pid()), testing::Contains("00000000"));
}

TEST(ListenTest, AUnixSocketIsReportedAsOneAndServes) {
  const TemporaryFolder folder;
  const std::string address = "unix:" + folder.path() + "/socket";
  auto server =
      ServerProcess::Start(folder.path() + "/data", {"--listen=" + address, "--http=off"});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->address(), address);
  EXPECT_THAT(ListeningAddresses((*server)->pid()), IsEmpty());
  const auto client = Client::Connect({.server = address});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE((*client)->ListModels().ok());
  EXPECT_EQ((*server)->Stop().code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/socket"));
}

}  // namespace
}  // namespace freshet
