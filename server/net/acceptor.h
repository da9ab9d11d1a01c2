// Lets connections in.

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
// them over to whoever speaks with them and closes them. A second descriptor of each connection
// tells the acceptor when it is gone, and shuts down what has to make room.
//
// Thread-safe.
class Acceptor {
 public:
  // A connection on which no call was answered for so long is closed.
  static constexpr std::chrono::seconds kSilentTimeout{60};

  // Takes a connected socket that does not block. Called on the acceptor's thread, before Start()
  // returns too.
  using HandOver = std::function<void(FileDescriptor socket)>;

  // Listens from now on. UNAVAILABLE where that cannot be. Keeps a reference to `table`, which has
  // the limits.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Start(
      ListeningSockets sockets, ConnectionTable& table, HandOver hand_over,
      std::chrono::milliseconds silent_timeout = kSilentTimeout);

  // As Stop(). Connections that were handed over stay as they are.
  ~Acceptor();

  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Accepts no more, and stops listening; nothing is handed over from then on. May be called again.
  void Stop();

  const std::string& address() const { return address_; }

  // Connections that were not let in, and those that had to make room, so far.
  uint64_t refused_count() const { return refused_count_; }
  uint64_t closed_count() const { return closed_count_; }

 private:
  Acceptor(ListeningSockets sockets, ConnectionTable& table, HandOver hand_over,
           std::chrono::milliseconds silent_timeout);

  absl::Status Prepare();
  void Run();
  // Accepts what waits at a socket; false where the system has no descriptor or memory left.
  bool AcceptAll(int listener);
  void Take(FileDescriptor socket, const SocketAddress& from);
  void ShutDown(ConnectionTable::Id id);
  void SetListening(bool on);
  void CloseSilent();
  // Logs what was refused and closed since the last time.
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
  bool listening_ = true;  // False for a moment when the system has nothing left.
  uint64_t reported_refused_ = 0;
  uint64_t reported_closed_ = 0;

  std::thread thread_;
};

// What gRPC calls the other end of a connection, grpc::ServerContext::peer(), with what it escapes
// as it stands; empty where it has no name of its own.
std::string PeerName(const SocketAddress& address);
// The same of what peer() returns.
std::string PeerName(std::string_view peer);

// Whom connections of an address are counted for: an IPv4 address, the network of an IPv6 address,
// which a single user has whole (/64), or nobody, which is empty.
std::string CountedAddress(const SocketAddress& address);

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_ACCEPTOR_H_
