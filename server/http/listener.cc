#include "server/http/listener.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

#include "core/base/host_port.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kTickInterval{50};

// Most connections accepted in a row, so that open ones get their turn.
constexpr int kMaxAcceptsPerTurn = 64;

// Connections beyond the limits while all others are busy, for requests that are answered at once.
constexpr size_t kSpareConnections = 32;

// The most descriptors that HTTP connections may use: half of the process's limit, because the
// models and gRPC need the rest.
size_t DescriptorShare() {
  constexpr rlim_t kPart = 2;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  return std::max<size_t>(1, limit.rlim_cur / kPart);
}

// The IPv4 address if `address` is IPv4-mapped, so that a client counts as the same either way.
asio::ip::address Plain(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

std::string TextOf(const asio::ip::address& address) {
  return address.is_v6() ? StrCat("[", address.to_string(), "]") : address.to_string();
}

// What counts as one address: for IPv6 the /64 network, since whoever has an address has its whole
// network.
std::string OriginOf(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const auto bytes = address.to_v6().to_bytes();
  return std::string(bytes.begin(), bytes.begin() + bytes.size() / 2);
}

}  // namespace

Listener::Listener(const HttpOptions& options, RequestHandler& handler)
    : options_(options), handler_(handler), memory_(options.max_memory_bytes) {}

absl::Status Listener::Bind() {
  const absl::StatusOr<HostPort> address = ParseHostPort(options_.listen);
  if (!address.ok()) {
    return absl::InvalidArgumentError(
        StrCat("http is \"", options_.listen,
               "\"; it must be host:port, for example 127.0.0.1:7401, or off"));
  }
  error_code error;
  tcp::resolver resolver(context_);
  const auto found =
      resolver.resolve(address->host, std::to_string(address->port),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (!error) {
    const tcp::endpoint endpoint = *found.begin();
    acceptor_.open(endpoint.protocol(), error);
    // With reuse_address a port is free as soon as its last server has ended; two servers on one
    // port are still an error.
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) {
      acceptor_.set_option(asio::ip::v6_only(false), error);
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptor_.non_blocking(true, error);
  }
  if (error) {
    return absl::UnavailableError(
        StrCat("cannot listen on ", options_.listen, " for HTTP (", error.message(),
               "); is another server running there? choose another address with --http, or "
               "--http=off"));
  }
  const tcp::endpoint bound = acceptor_.local_endpoint(error);
  port_ = bound.port();
  is_on_loopback_ = Plain(bound.address()).is_loopback();
  max_connections_ = std::min<size_t>(options_.max_connections, DescriptorShare());
  return absl::OkStatus();
}

void Listener::Run() {
  AwaitConnections();
  context_.run();
}

void Listener::Post(std::function<void()> task) { asio::post(context_, std::move(task)); }

void Listener::AwaitConnections() {
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](const error_code& error) {
    if (!error) AcceptAll();
  });
}

void Listener::AcceptAll() {
  for (int i = 0; i < kMaxAcceptsPerTurn; ++i) {
    error_code error;
    tcp::endpoint peer;
    tcp::socket socket(context_);
    acceptor_.accept(socket, peer, error);
    if (error == asio::error::would_block || error == asio::error::try_again) break;
    if (!error) {
      Admit(std::move(socket), Plain(peer.address()));
    } else if (error == asio::error::no_descriptors || error.value() == ENFILE) {
      if (MakeRoom(nullptr)) continue;
      accept_again_ = true;  // Done by the next tick.
      AwaitTick();
      return;
    }
  }
  AwaitConnections();
}

void Listener::Admit(tcp::socket socket, const asio::ip::address& address) {
  const std::string origin = OriginOf(address);
  bool is_spare = false;
  if (const auto known = origin_counts_.find(origin);
      known != origin_counts_.end() && known->second >= options_.max_address_connections) {
    is_spare = !MakeRoom(&origin);
  } else if (connections_.size() - spare_count_ >= max_connections_) {
    is_spare = !MakeRoom(nullptr);
  }
  if (is_spare && spare_count_ >= kSpareConnections) return;  // Closes the socket.
  const std::shared_ptr<const TlsMaterial> tls =
      options_.tls == nullptr ? nullptr : options_.tls->material();
  const auto connection = std::make_shared<Connection>(
      *this, std::make_unique<Transport>(std::move(socket), tls.get()), TextOf(address), is_spare);
  if (is_spare) {
    ++spare_count_;
  } else {
    ++origin_counts_[origin];
  }
  connections_.emplace(connection.get(), Entry{connection, origin, is_spare});
  AwaitTick();
  connection->Begin();
}

void Listener::Forget(const Connection& connection) {
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  const Entry entry = std::move(found->second);  // Keeps the connection alive until the end of this
                                                 // function.
  connections_.erase(found);
  if (entry.is_spare) {
    --spare_count_;
  } else if (const auto count = origin_counts_.find(entry.origin); --count->second == 0) {
    origin_counts_.erase(count);
  }
  EndStop();
}

bool Listener::MakeRoom(const std::string* origin) {
  const Clock::time_point now = Clock::now();
  const auto rank = [now](const Entry& entry) {
    return std::pair(entry.connection->worth(now), entry.connection->silent_since());
  };
  const Entry* least = nullptr;
  for (const auto& [pointer, entry] : connections_) {
    if (entry.is_spare || (origin != nullptr && entry.origin != *origin)) continue;
    if (least == nullptr || rank(entry) < rank(*least)) least = &entry;
  }
  if (least == nullptr || least->connection->worth(now) == Connection::Worth::kBusy) return false;
  const std::shared_ptr<Connection> closed = least->connection;
  closed->Abort();
  return true;
}

void Listener::AwaitMemory(const std::shared_ptr<Connection>& connection) {
  memory_waiters_.push_back(connection);
}

void Listener::OnMemoryFreed() {
  if (memory_waiters_.empty() || waking_waiters_) return;
  waking_waiters_ = true;
  asio::post(context_, [this] {
    waking_waiters_ = false;
    // In the order of their arrival, except that small requests may pass large ones; see
    // RequestMemory.
    std::deque<std::weak_ptr<Connection>> waiters;
    waiters.swap(memory_waiters_);
    for (const std::weak_ptr<Connection>& waiter : waiters) {
      const std::shared_ptr<Connection> connection = waiter.lock();
      if (connection != nullptr && !connection->TryMemoryAgain()) {
        memory_waiters_.push_back(waiter);
      }
    }
  });
}

void Listener::AwaitTick() {
  if (ticking_) return;
  ticking_ = true;
  ticker_.expires_after(kTickInterval);
  ticker_.async_wait([this](const error_code& error) {
    ticking_ = false;
    if (!error) Tick();
  });
}

void Listener::Tick() {
  const Clock::time_point now = Clock::now();
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [pointer, entry] : connections_) all.push_back(entry.connection);
  for (const std::shared_ptr<Connection>& connection : all) {
    if (stopping_ && now >= stop_deadline_) {
      connection->Abort();
    } else {
      connection->CheckDeadline(now);
    }
  }
  if (!memory_waiters_.empty()) CutOffHoarder();
  if (std::exchange(accept_again_, false) && !stopping_) AcceptAll();
  if (!connections_.empty()) AwaitTick();
}

void Listener::CutOffHoarder() {
  for (const auto& [pointer, entry] : connections_) {
    if (!entry.connection->hoards()) continue;
    const std::shared_ptr<Connection> hoarder = entry.connection;
    hoarder->Abort();
    return;
  }
}

void Listener::Stop(absl::Duration grace) {
  Post([this, grace] {
    stopping_ = true;
    stop_deadline_ = Clock::now() + absl::ToChronoNanoseconds(grace);
    error_code ignored;
    acceptor_.close(ignored);
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [pointer, entry] : connections_) all.push_back(entry.connection);
    for (const std::shared_ptr<Connection>& connection : all) connection->CloseSoon();
    EndStop();
  });
}

void Listener::EndStop() {
  if (stopping_ && connections_.empty()) context_.stop();
}

}  // namespace freshet
