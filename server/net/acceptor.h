// The thread that accepts gRPC's connections and enforces their limits.

#ifndef FRESHET_SERVER_NET_ACCEPTOR_H_
#define FRESHET_SERVER_NET_ACCEPTOR_H_

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "server/file/posix_file.h"
#include "server/net/connection_table.h"
#include "server/net/listening_sockets.h"

namespace freshet {

// Accepts connections on a thread of its own, within the limits of a ConnectionTable, and hands
// each over to a callback, which takes ownership of the socket. The acceptor keeps a second
// descriptor of each connection, by which it notices that the connection is closed and shuts it
// down if it has to make room.
//
// Thread-safe.
class Acceptor {
 public:
  // A connection is closed if no call on it has been answered for this long.
  static constexpr std::chrono::seconds kSilentTimeout{60};

  // Takes a connected, non-blocking socket. Called on the acceptor's thread, possibly before
  // Start() has returned.
  using HandOver = std::function<void(FileDescriptor socket)>;

  // Starts to listen. UNAVAILABLE if that fails. Keeps a reference to `table`, which has the
  // limits.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Start(
      ListeningSockets sockets, ConnectionTable& table, HandOver hand_over,
      std::chrono::milliseconds silent_timeout = kSilentTimeout);

  // Calls Stop(). Connections that were handed over stay open.
  ~Acceptor();

  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Stops listening and accepting; once it returns, nothing more is handed over. May be called
  // again.
  void Stop();

  const std::string& address() const { return address_; }

  // Totals of the connections that were refused, and of those that were closed to make room or
  // because they stayed silent.
  uint64_t refused_count() const { return refused_count_; }
  uint64_t closed_count() const { return closed_count_; }

 private:
  Acceptor(ListeningSockets sockets, ConnectionTable& table, HandOver hand_over,
           std::chrono::milliseconds silent_timeout);

  absl::Status Prepare();
  void Run();
  // Accepts the connections that wait at a socket; false if the system has no descriptor or memory
  // left.
  bool AcceptAll(int listener);
  void Take(FileDescriptor socket, const SocketAddress& from);
  void ShutDown(ConnectionTable::Id id);
  void SetListening(bool on);
  void CloseSilent();
  // Logs how many connections were refused and closed since the last call.
  void Report();

  const std::string address_;
  const HandOver hand_over_;
  const std::chrono::milliseconds silent_timeout_;
  ConnectionTable& table_;
  FileDescriptor epoll_{-1};
  FileDescriptor wake_{-1};
  std::atomic<uint64_t> refused_count_{0};
  std::atomic<uint64_t> closed_count_{0};

  // Owned by the thread while it runs.
  std::optional<ListeningSockets> sockets_;
  std::unordered_map<ConnectionTable::Id, FileDescriptor> watched_;
  bool listening_ = true;  // False for kPauseMs after AcceptAll() has failed.
  uint64_t reported_refused_ = 0;
  uint64_t reported_closed_ = 0;

  std::thread thread_;
};

// The name of the other end of a connection as grpc::ServerContext::peer() returns it, but without
// escapes; empty if connections to this address cannot be told apart, as with Unix sockets.
std::string PeerName(const SocketAddress& address);
// The same name, from the text that peer() returns.
std::string PeerName(std::string_view peer);

// The address to count connections under: an IPv4 address, or the /64 network of an IPv6 address,
// since a single user usually has a whole one. Empty for Unix sockets, which are not counted.
std::string CountedAddress(const SocketAddress& address);

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_ACCEPTOR_H_
