// Accepts HTTP connections and runs all of them on one thread, which never blocks.

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

// Keeps connections within their limits. If there is one too many, from an address or in all, the
// one that would be missed least (Connection::Worth) is closed, so that however many clients stay
// silent, another one still gets in. If all connections are busy, a few spare ones are accepted for
// requests that are answered at once, such as probes.
//
// Only Post() and Stop() may be called on any thread; everything else belongs to the thread that
// runs Run(). Held by a shared_ptr, since answers may come after the listener has stopped.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // Keeps references to both arguments until Run() returns.
  Listener(const HttpOptions& options, RequestHandler& handler);

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // INVALID_ARGUMENT and UNAVAILABLE as for HttpServer::Start(). Call once, before Run().
  absl::Status Bind();
  // Valid after Bind():
  uint16_t port() const { return port_; }
  bool is_on_loopback() const { return is_on_loopback_; }

  // Serves until Stop() has been called and no connection is left.
  void Run();

  // Ends Run(): accepts no more connections, closes those without a request at once, and the others
  // after `grace`. From any thread; returns at once.
  void Stop(absl::Duration grace);

  // Runs `task` on the listener's thread, or never if Run() has ended. From any thread.
  void Post(std::function<void()> task);

  // For connections:
  const HttpOptions& options() const { return options_; }
  RequestHandler& handler() { return handler_; }
  RequestMemory& memory() { return memory_; }
  bool is_stopping() const { return stopping_; }
  // Calls the connection's TryMemoryAgain() when memory has become free.
  void AwaitMemory(const std::shared_ptr<Connection>& connection);
  void OnMemoryFreed();
  // To be called when a connection is closed.
  void Forget(const Connection& connection);

 private:
  using Clock = Connection::Clock;

  struct Entry {
    std::shared_ptr<Connection> connection;
    std::string origin;  // The address that it is counted under.
    bool is_spare = false;
  };

  void AwaitConnections();
  void AcceptAll();
  void Admit(boost::asio::ip::tcp::socket socket, const boost::asio::ip::address& address);
  // Closes the connection that would be missed least, among those of an origin, or among all if
  // `origin` is null. False if all are busy.
  bool MakeRoom(const std::string* origin);
  void AwaitTick();
  void Tick();
  // Frees memory for waiting requests by aborting one whose body arrives slowly, if there is one.
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
  bool accept_again_ = false;  // Accepting paused because no descriptors were left.
  bool stopping_ = false;
  Clock::time_point stop_deadline_;

  std::unordered_map<const Connection*, Entry> connections_;
  std::unordered_map<std::string, size_t> origin_counts_;  // Without spare connections.
  size_t spare_count_ = 0;
  RequestMemory memory_;
  std::deque<std::weak_ptr<Connection>> memory_waiters_;
  bool waking_waiters_ = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_LISTENER_H_
