#include "server/net/acceptor.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>

#include <cstring>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace freshet {
namespace {

SocketAddress V4(const char* number, uint16_t port) {
  SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  inet_pton(AF_INET, number, &v4.sin_addr);
  address.size = sizeof(v4);
  return address;
}

SocketAddress V6(const char* number, uint16_t port, uint32_t zone = 0) {
  SocketAddress address;
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_scope_id = zone;
  inet_pton(AF_INET6, number, &v6.sin6_addr);
  address.size = sizeof(v6);
  return address;
}

TEST(PeerNameTest, IsWhatGrpcCallsThePeer) {
  EXPECT_EQ(PeerName(V4("127.0.0.1", 80)), "ipv4:127.0.0.1:80");
  EXPECT_EQ(PeerName(V6("::ffff:10.1.2.3", 81)), "ipv4:10.1.2.3:81");
  EXPECT_EQ(PeerName(V6("::1", 82)), PeerName("ipv6:%5B::1%5D:82"));
  EXPECT_EQ(PeerName(V6("fe80::1", 83, 2)), PeerName("ipv6:%5Bfe80::1%252%5D:83"));
  EXPECT_EQ(PeerName("ipv4:1.2.3.4:5"), "ipv4:1.2.3.4:5");
  SocketAddress path;
  path.storage.ss_family = AF_UNIX;
  EXPECT_EQ(PeerName(path), "");
}

TEST(CountedAddressTest, IsTheNumberOrTheNetwork) {
  EXPECT_EQ(CountedAddress(V4("10.1.2.3", 80)), "10.1.2.3");
  EXPECT_EQ(CountedAddress(V6("::ffff:10.1.2.3", 80)), "10.1.2.3");
  EXPECT_EQ(CountedAddress(V6("2001:db8:1:2:3:4:5:6", 80)), "2001:db8:1:2::/64");
  EXPECT_EQ(CountedAddress(V6("2001:db8:1:2::", 80)), "2001:db8:1:2::/64");
  EXPECT_EQ(CountedAddress(V6("::1", 80)), "::1");
}

class AcceptorTest : public testing::Test {
 protected:
  void Start(ConnectionTable::Limits limits, std::chrono::milliseconds silent_timeout) {
    table_.SetLimits(limits);
    const ListenAddress address{.host = "127.0.0.1", .port = 0, .path = ""};
    auto sockets = ListeningSockets::Bind("listen", address, {});
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    auto acceptor = Acceptor::Start(
        *std::move(sockets), table_, [this](FileDescriptor socket) { Take(std::move(socket)); },
        silent_timeout);
    ASSERT_TRUE(acceptor.ok()) << acceptor.status();
    acceptor_ = *std::move(acceptor);
  }

  FileDescriptor Connect() const {
    const std::string& address = acceptor_->address();
    const SocketAddress to =
        V4("127.0.0.1", static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size), 0);
    return client;
  }

  // Waits until `count` sockets have been handed over.
  void AwaitTaken(size_t count) {
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return taken_.size() >= count; };
    absl::MutexLock lock(&mu_);
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(30)));
  }

  // Waits until the other end has closed.
  static bool AwaitClosed(const FileDescriptor& client) {
    pollfd ready = {.fd = client.get(), .events = POLLIN, .revents = 0};
    char byte = 0;
    return poll(&ready, 1, 30'000) == 1 && recv(client.get(), &byte, 1, 0) <= 0;
  }

  void AwaitSize(size_t size) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (table_.size() != size && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
    EXPECT_EQ(table_.size(), size);
  }

  ConnectionTable table_{{}};
  absl::Mutex mu_;
  std::vector<FileDescriptor> taken_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Acceptor> acceptor_;

 private:
  void Take(FileDescriptor socket) {
    absl::MutexLock lock(&mu_);
    taken_.push_back(std::move(socket));
  }
};

TEST_F(AcceptorTest, CountsWhatIsOpen) {
  ASSERT_NO_FATAL_FAILURE(Start({.total = 10}, std::chrono::seconds(60)));
  std::vector<FileDescriptor> clients;
  clients.reserve(3);
  for (int i = 0; i < 3; ++i) clients.push_back(Connect());
  AwaitTaken(3);
  EXPECT_EQ(table_.size(), 3U);
  {
    absl::MutexLock lock(&mu_);  // As gRPC does, shuts the sockets down and then closes them.
    for (const FileDescriptor& socket : taken_) shutdown(socket.get(), SHUT_RDWR);
    taken_.clear();
  }
  clients.clear();
  AwaitSize(0);
}

TEST_F(AcceptorTest, WhatIsTooMuchIsClosed) {
  ASSERT_NO_FATAL_FAILURE(Start({.total = 2}, std::chrono::seconds(60)));
  const FileDescriptor first = Connect();
  const FileDescriptor second = Connect();
  AwaitTaken(2);
  const FileDescriptor third = Connect();
  EXPECT_TRUE(AwaitClosed(third));
  EXPECT_EQ(acceptor_->refused_count(), 1U);
}

TEST_F(AcceptorTest, TheOldestStrangerIsShutDownForANewOne) {
  ASSERT_NO_FATAL_FAILURE(Start({.total = 1}, std::chrono::seconds(60)));
  const FileDescriptor first = Connect();
  AwaitTaken(1);
  std::this_thread::sleep_for(ConnectionTable::kChance);
  const FileDescriptor second = Connect();
  EXPECT_TRUE(AwaitClosed(first));
  AwaitTaken(2);
  EXPECT_EQ(acceptor_->closed_count(), 1U);
}

TEST_F(AcceptorTest, TheSilentAreClosedInTime) {
  ASSERT_NO_FATAL_FAILURE(Start({.total = 10}, std::chrono::milliseconds(50)));
  const FileDescriptor client = Connect();
  EXPECT_TRUE(AwaitClosed(client));
  AwaitSize(0);
}

TEST_F(AcceptorTest, AfterItHasStoppedNobodyIsLetIn) {
  ASSERT_NO_FATAL_FAILURE(Start({.total = 10}, std::chrono::seconds(60)));
  const std::string address = acceptor_->address();
  acceptor_->Stop();
  acceptor_->Stop();
  const SocketAddress to =
      V4("127.0.0.1", static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  const FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(connect(client.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size), 0);
}

}  // namespace
}  // namespace freshet
