#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace freshet {

RawClient::RawClient(const std::string& address)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const size_t colon = address.rfind(':');
  sockaddr_in target = {};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &target.sin_addr);
  EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&target), sizeof(target)), 0);
}

RawClient::~RawClient() {
  if (socket_ >= 0) close(socket_);
}

RawClient::RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

RawClient& RawClient::operator=(RawClient&& other) noexcept {
  std::swap(socket_, other.socket_);
  return *this;
}

bool RawClient::Send(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t count = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    text.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

ssize_t RawClient::SendSome(std::string_view text) const {
  const ssize_t count = send(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return count < 0 && errno == EAGAIN ? 0 : count;
}

std::string RawClient::ReadAll() const {
  std::string all;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = recv(socket_, buffer, sizeof(buffer), 0)) > 0) {
    all.append(buffer, static_cast<size_t>(count));
  }
  return all;
}

std::string RawClient::ReadTo(std::string_view end) const {
  std::string all;
  char c = 0;
  while (!all.ends_with(end) && recv(socket_, &c, 1, 0) == 1) all += c;
  return all;
}

bool RawClient::IsClosed() const {
  char buffer[4096];
  ssize_t count = 0;
  while ((count = recv(socket_, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
  }
  return count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace freshet
