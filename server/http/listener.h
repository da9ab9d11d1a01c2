// Where HTTP comes in: one thread for all connections, which waits for nobody.

#ifndef FRESHET_SERVER_HTTP_LISTENER_H_
#define FRESHET_SERVER_HTTP_LISTENER_H_

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/http/connection.h"
#include "server/http/http_options.h"
#include "server/http/request_handler.h"
#include "server/http/request_memory.h"

namespace freshet {

// Accepts connections and keeps them within their limits. Where there is one more than may be, from
// an address or in all, the one is closed that would be missed least (Connection::Worth), so that
// however many clients say nothing, another one still gets in. Where all are busy, a few more are
// taken for requests that are answered at once, as probes are.
//
// All but Post() and Stop() belong to the thread that Run() is called on. Held by a shared_ptr,
// since answers may come after the end.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // Keeps references to both, until Run() returns.
  Listener(const HttpOptions& options, RequestHandler& handler);

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // INVALID_ARGUMENT and UNAVAILABLE as HttpServer::Start(). Call once, before Run().
  absl::Status Bind();
  // Once it is bound:
  uint16_t port() const { return port_; }
  bool is_on_loopback() const { return is_on_loopback_; }

  // Serves until Stop() was called and no connection is left.
  void Run();

  // Ends Run(): lets no one in any more, closes connections without a request, and after `grace`
  // the others too. From any thread; returns at once.
  void Stop(absl::Duration grace);

  // Runs `task` on the listener's thread; never, where that has ended. From any thread.
  void Post(std::function<void()> task);

  // For connections:
  const HttpOptions& options() const { return options_; }
  RequestHandler& handler() { return handler_; }
  RequestMemory& memory() { return memory_; }
  bool is_stopping() const { return stopping_; }
  // Calls the connection's TryMemoryAgain() when some has become free.
  void AwaitMemory(const std::shared_ptr<Connection>& connection);
  void OnMemoryFreed();
  // The connection is closed.
  void Forget(const Connection& connection);

 private:
  using Clock = Connection::Clock;

  struct Entry {
    std::shared_ptr<Connection> connection;
    std::string origin;  // What counts as one address.
    bool is_spare = false;
  };

  void AwaitConnections();
  void AcceptAll();
  void Admit(boost::asio::ip::tcp::socket socket, const boost::asio::ip::address& address);
  // Closes the connection that would be missed least, of those of an origin, or of all where that
  // is null. False where all are busy.
  bool MakeRoom(const std::string* origin);
  void AwaitTick();
  void Tick();
  // Where requests wait for memory, takes it from one whose body comes slowly.
  void CutOffHoarder();
  void EndStop();

  const HttpOptions& options_;
  RequestHandler& handler_;
  size_t max_connections_ = 0;
  uint16_t port_ = 0;
  bool is_on_loopback_ = false;

  boost::asio::io_context context_{1};  // Thread-safe.
  boost::asio::ip::tcp::acceptor acceptor_{context_};
  boost::asio::steady_timer ticker_{context_};
  bool ticking_ = false;
  bool accept_again_ = false;  // There were no descriptors left.
  bool stopping_ = false;
  Clock::time_point stop_deadline_;

  std::unordered_map<const Connection*, Entry> connections_;
  std::unordered_map<std::string, size_t> origin_counts_;  // Without spare ones.
  size_t spare_count_ = 0;
  RequestMemory memory_;
  std::deque<std::weak_ptr<Connection>> memory_waiters_;
  bool waking_waiters_ = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_LISTENER_H_
