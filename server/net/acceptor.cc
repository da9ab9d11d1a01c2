#include "server/net/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_replace.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Added to a connection's id in an epoll event, to tell it from the descriptor of a listening
// socket.
constexpr uint64_t kConnection = uint64_t{1} << 32;

using Clock = ConnectionTable::Clock;

// How often silent connections are closed, and refusals logged.
constexpr int kTickMs = 1000;
constexpr Clock::duration kTick = std::chrono::milliseconds(kTickMs);
// How long accepting pauses when the system has no descriptor or memory left.
constexpr int kPauseMs = 100;

constexpr size_t kEvents = 64;

bool IsMapped(const SocketAddress& address) {
  return address.storage.ss_family == AF_INET6 &&
         IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr);
}

std::string NumberOf(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, address, text.data(), text.size()) != nullptr ? text.data() : "";
}

// The numeric form of an IPv4 or IPv4-mapped IPv6 address.
std::string V4Number(const SocketAddress& address) {
  if (IsMapped(address)) {
    const auto& mapped = reinterpret_cast<const sockaddr_in6&>(address.storage);
    return NumberOf(AF_INET, &mapped.sin6_addr.s6_addr[12]);
  }
  return NumberOf(AF_INET, &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr);
}

bool IsScarcity(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

std::string PeerName(const SocketAddress& address) {
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);  // The port is at the
                                                                            // same place in both.
  if (address.storage.ss_family == AF_INET || IsMapped(address)) {
    return StrCat("ipv4:", V4Number(address), ":", ntohs(v6.sin6_port));
  }
  if (address.storage.ss_family != AF_INET6) return "";
  const std::string zone = v6.sin6_scope_id == 0 ? "" : StrCat("%", v6.sin6_scope_id);
  return StrCat("ipv6:[", NumberOf(AF_INET6, &v6.sin6_addr), zone, "]:", ntohs(v6.sin6_port));
}

std::string PeerName(std::string_view peer) {
  std::string name(peer);
  if (name.find('%') == std::string::npos) return name;
  return absl::StrReplaceAll(name, {{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
}

std::string CountedAddress(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET || IsMapped(address)) return V4Number(address);
  if (address.storage.ss_family != AF_INET6) return "";
  in6_addr network = reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr;
  if (IN6_IS_ADDR_LOOPBACK(&network)) return "::1";
  constexpr size_t kNetworkBytes = 8;
  std::fill(std::begin(network.s6_addr) + kNetworkBytes, std::end(network.s6_addr), uint8_t{0});
  return StrCat(NumberOf(AF_INET6, &network), "/64");
}

Acceptor::Acceptor(ListeningSockets sockets, ConnectionTable& table, HandOver hand_over,
                   std::chrono::milliseconds silent_timeout)
    : address_(sockets.address()),
      hand_over_(std::move(hand_over)),
      silent_timeout_(silent_timeout),
      table_(table),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      sockets_(std::move(sockets)) {}

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Start(
    ListeningSockets sockets, ConnectionTable& table, HandOver hand_over,
    std::chrono::milliseconds silent_timeout) {
  std::unique_ptr<Acceptor> acceptor(
      new Acceptor(std::move(sockets), table, std::move(hand_over), silent_timeout));
  if (absl::Status status = acceptor->Prepare(); !status.ok()) return status;
  acceptor->thread_ = std::thread([acceptor = acceptor.get()] { acceptor->Run(); });
  return acceptor;
}

absl::Status Acceptor::Prepare() {
  epoll_event wake = {.events = EPOLLIN, .data = {.u64 = static_cast<uint64_t>(wake_.get())}};
  if (epoll_.get() < 0 || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &wake) != 0) {
    return absl::UnavailableError(StrCat("cannot wait for connections: ", std::strerror(errno)));
  }
  for (const FileDescriptor& socket : sockets_->descriptors()) {
    epoll_event event = {.events = EPOLLIN, .data = {.u64 = static_cast<uint64_t>(socket.get())}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) {
      return absl::UnavailableError(StrCat("cannot wait for connections: ", std::strerror(errno)));
    }
  }
  return sockets_->Listen();
}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  while (write(wake_.get(), &one, sizeof(one)) < 0 && errno == EINTR) continue;
  thread_.join();
  sockets_.reset();
  watched_.clear();
}

void Acceptor::SetListening(bool on) {
  listening_ = on;
  for (const FileDescriptor& socket : sockets_->descriptors()) {
    epoll_event event = {.events = on ? uint32_t{EPOLLIN} : 0,
                         .data = {.u64 = static_cast<uint64_t>(socket.get())}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.get(), &event);
  }
}

void Acceptor::Run() {
  pthread_setname_np(pthread_self(), "acceptor");
  std::array<epoll_event, kEvents> events{};
  Clock::time_point next_tick = Clock::now() + kTick;
  while (true) {
    const bool has_work = !table_.all_are_clients() || refused_count_ != reported_refused_ ||
                          closed_count_ != reported_closed_;
    const int timeout_ms = !listening_ ? kPauseMs : has_work ? kTickMs : -1;
    const int count = epoll_wait(epoll_.get(), events.data(), kEvents, timeout_ms);
    if (!listening_) SetListening(true);
    for (int i = 0; i < count; ++i) {
      const uint64_t what = events[static_cast<size_t>(i)].data.u64;
      if (what == static_cast<uint64_t>(wake_.get())) return;
      if (what > kConnection) {
        table_.Remove(what - kConnection);
        watched_.erase(what - kConnection);  // Closing it also removes it from epoll.
      } else if (listening_ && !AcceptAll(static_cast<int>(what))) {
        SetListening(false);
      }
    }
    if (const Clock::time_point now = Clock::now(); now >= next_tick) {
      next_tick = now + kTick;
      CloseSilent();
      Report();
    }
  }
}

bool Acceptor::AcceptAll(int listener) {
  for (size_t i = 0; i < kEvents; ++i) {  // A limit, so that other sockets get their turn.
    SocketAddress from;
    from.size = sizeof(from.storage);
    FileDescriptor socket(accept4(listener, reinterpret_cast<sockaddr*>(&from.storage), &from.size,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() >= 0) {
      Take(std::move(socket), from);
    } else if (errno == EAGAIN) {
      return true;
    } else if (IsScarcity(errno)) {
      spdlog::warn("event=connection_not_accepted error={}", JsonString(std::strerror(errno)));
      return false;
    }  // Otherwise the client has gone already.
  }
  return true;
}

void Acceptor::Take(FileDescriptor socket, const SocketAddress& from) {
  FileDescriptor watch(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (watch.get() < 0) {
    ++refused_count_;
    return;
  }
  const ConnectionTable::Admission admission =
      table_.Admit(CountedAddress(from), PeerName(from), Clock::now());
  if (admission.closes) ShutDown(*admission.closes);
  if (!admission.admitted) {
    ++refused_count_;
    return;
  }
  // No events are needed: epoll always reports that the peer has hung up, and gRPC shuts a socket
  // down before closing it.
  epoll_event event = {.events = 0, .data = {.u64 = kConnection + *admission.admitted}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watch.get(), &event) != 0) {
    table_.Remove(*admission.admitted);
    ++refused_count_;
    return;
  }
  watched_.try_emplace(*admission.admitted, std::move(watch));
  hand_over_(std::move(socket));
}

void Acceptor::ShutDown(ConnectionTable::Id id) {
  ++closed_count_;
  const auto found = watched_.find(id);
  if (found != watched_.end()) shutdown(found->second.get(), SHUT_RDWR);
}

void Acceptor::CloseSilent() {
  for (const ConnectionTable::Id id : table_.TakeSilentSince(Clock::now() - silent_timeout_)) {
    ShutDown(id);
  }
}

void Acceptor::Report() {
  const uint64_t refused = refused_count_;
  const uint64_t closed = closed_count_;
  if (refused != reported_refused_ || closed != reported_closed_) {
    spdlog::warn("event=connections_limited address={} open={} refused={} closed={}", address_,
                 table_.size(), refused - reported_refused_, closed - reported_closed_);
  }
  reported_refused_ = refused;
  reported_closed_ = closed;
}

}  // namespace freshet
