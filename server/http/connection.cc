#include "server/http/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/time/clock.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr absl::Duration kDropTimeout = absl::Milliseconds(500);

}  // namespace

Connection::Connection(socket_t socket, absl::Duration request_timeout,
                       absl::Duration answer_timeout, size_t max_request_bytes,
                       const TlsMaterial* tls)
    : socket_(socket),
      answer_timeout_(answer_timeout),
      request_deadline_(absl::Now() + request_timeout),
      allowed_bytes_(max_request_bytes) {
  if (tls == nullptr) return;
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
  tls_ = std::make_unique<TlsSession>(*tls, socket_);
}

bool Connection::Begin() {
  return tls_ == nullptr ||
         tls_->Handshake([this](int events) { return Await(events, request_deadline_); });
}

Connection::~Connection() {
  if (tls_ != nullptr) tls_->Close();
  if (unread_body_bytes_ > 0) DropUnread();
  shutdown(socket_, SHUT_RDWR);
  close(socket_);
}

void Connection::ExpectBody(size_t max_bytes, size_t announced_bytes, absl::Duration timeout) {
  request_deadline_ = absl::Now() + timeout;
  allowed_bytes_ = max_bytes;
  unread_body_bytes_ = announced_bytes;
}

void Connection::DropUnread() {
  shutdown(socket_, SHUT_WR);
  const absl::Time deadline = absl::Now() + kDropTimeout;
  while (Await(POLLIN, deadline)) {
    const ssize_t count = recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return;
  }
}

bool Connection::Await(int events, absl::Time deadline) const {
  pollfd waited = {.fd = socket_, .events = static_cast<int16_t>(events), .revents = 0};
  while (true) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    const int ready = poll(&waited, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

ssize_t Connection::Receive(size_t max_bytes) {
  if (tls_ != nullptr) {
    return tls_->Read(buffer_.data(), max_bytes,
                      [this](int events) { return Await(events, request_deadline_); });
  }
  while (true) {
    if (!Await(POLLIN, request_deadline_)) return -1;
    const ssize_t count = recv(socket_, buffer_.data(), max_bytes, MSG_DONTWAIT);
    if (count >= 0 || (errno != EAGAIN && errno != EINTR)) return count;
  }
}

ssize_t Connection::Fill() {
  if (allowed_bytes_ == 0) return -1;
  const ssize_t count = Receive(std::min(buffer_.size(), allowed_bytes_));
  if (count <= 0) return count;
  begin_ = 0;
  end_ = static_cast<size_t>(count);
  allowed_bytes_ -= end_;
  return count;
}

ssize_t Connection::read(char* data, size_t size) {
  if (begin_ == end_) {
    if (const ssize_t filled = Fill(); filled <= 0) return filled;
  }
  const size_t count = std::min(size, end_ - begin_);
  std::memcpy(data, &buffer_[begin_], count);
  begin_ += count;
  unread_body_bytes_ -= std::min(count, unread_body_bytes_);
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* data, size_t size) {
  if (answer_deadline_ == absl::InfinitePast()) answer_deadline_ = absl::Now() + answer_timeout_;
  if (tls_ != nullptr) {
    return tls_->Write(data, size, [this](int events) { return Await(events, answer_deadline_); });
  }
  while (true) {
    if (!Await(POLLOUT, answer_deadline_)) return -1;
    const ssize_t count = send(socket_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    return count;
  }
}

bool Connection::is_readable() const {
  return begin_ < end_ || (tls_ != nullptr && tls_->HasPending()) ||
         (allowed_bytes_ > 0 && Await(POLLIN, request_deadline_));
}

bool Connection::is_writable() const {
  return Await(POLLOUT, answer_deadline_ == absl::InfinitePast() ? absl::Now() + answer_timeout_
                                                                 : answer_deadline_);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ip = inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    port = ntohs(v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {  // It is one client, however it comes.
      ip = inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      ip = StrCat("[", inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size()), "]");
    }
  }
}

// Nobody asks.
void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace freshet
