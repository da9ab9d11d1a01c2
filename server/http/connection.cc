#include "server/http/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/time/clock.h"

namespace freshet {
namespace {

constexpr absl::Duration kDropTimeout = absl::Milliseconds(500);

}  // namespace

Connection::Connection(socket_t socket, absl::Duration request_timeout,
                       absl::Duration answer_timeout, size_t max_request_bytes)
    : socket_(socket),
      answer_timeout_(answer_timeout),
      request_deadline_(absl::Now() + request_timeout),
      allowed_bytes_(max_request_bytes) {}

Connection::~Connection() {
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

ssize_t Connection::Fill() {
  if (allowed_bytes_ == 0) return -1;
  while (true) {
    if (!Await(POLLIN, request_deadline_)) return -1;
    const ssize_t count =
        recv(socket_, buffer_.data(), std::min(buffer_.size(), allowed_bytes_), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return count;
    begin_ = 0;
    end_ = static_cast<size_t>(count);
    allowed_bytes_ -= end_;
    return count;
  }
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
  while (true) {
    if (!Await(POLLOUT, answer_deadline_)) return -1;
    const ssize_t count = send(socket_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    return count;
  }
}

bool Connection::is_readable() const {
  return begin_ < end_ || (allowed_bytes_ > 0 && Await(POLLIN, request_deadline_));
}

bool Connection::is_writable() const {
  return Await(POLLOUT, answer_deadline_ == absl::InfinitePast() ? absl::Now() + answer_timeout_
                                                                 : answer_deadline_);
}

// Nobody asks.
void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace freshet
