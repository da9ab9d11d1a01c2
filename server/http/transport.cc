#include "server/http/transport.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace freshet {
namespace {

using Kind = IoResult::Kind;

constexpr size_t kDropBytes = size_t{64} << 10;

IoResult ResultOf(ssize_t count, Kind want) {
  if (count > 0) return {Kind::kDone, static_cast<size_t>(count)};
  if (count == 0) return {Kind::kEnd};
  return {errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? want : Kind::kFailed};
}

}  // namespace

Transport::Transport(boost::asio::ip::tcp::socket socket, const TlsMaterial* tls)
    : socket_(std::move(socket)) {
  boost::system::error_code ignored;  // If this fails, the next read or write fails, too.
  socket_.non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  if (tls != nullptr) tls_.emplace(*tls, socket_.native_handle());
}

IoResult Transport::Handshake() { return tls_ ? tls_->Handshake() : IoResult{Kind::kDone}; }

IoResult Transport::Read(char* data, size_t size) {
  if (tls_) return tls_->Read(data, size);
  return ResultOf(recv(socket_.native_handle(), data, size, MSG_DONTWAIT), Kind::kWantRead);
}

IoResult Transport::Write(std::string_view first, std::string_view second) {
  if (tls_) {
    const std::string_view next = first.empty() ? second : first;
    return tls_->Write(next.data(), next.size());
  }
  std::array<iovec, 2> parts = {{{const_cast<char*>(first.data()), first.size()},
                                 {const_cast<char*>(second.data()), second.size()}}};
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return ResultOf(sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL),
                  Kind::kWantWrite);
}

void Transport::Await(const IoResult& result, std::function<void()> ready) {
  const auto what = result.kind == Kind::kWantRead ? boost::asio::ip::tcp::socket::wait_read
                                                   : boost::asio::ip::tcp::socket::wait_write;
  socket_.async_wait(what, [ready = std::move(ready)](const boost::system::error_code& error) {
    if (!error) ready();
  });
}

void Transport::CancelWait() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Transport::ShutdownWrites() {
  if (tls_) tls_->Close();
  shutdown(socket_.native_handle(), SHUT_WR);
}

IoResult Transport::Drop() {
  std::array<char, kDropBytes> dropped;
  return ResultOf(recv(socket_.native_handle(), dropped.data(), dropped.size(), MSG_DONTWAIT),
                  Kind::kWantRead);
}

void Transport::Close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Transport::Abort() {
  boost::system::error_code ignored;
  if (socket_.is_open()) socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  Close();
}

}  // namespace freshet
