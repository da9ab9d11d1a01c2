// What the HTTP library reads a request from and writes its answer to.

#ifndef FRESHET_SERVER_HTTP_CONNECTION_H_
#define FRESHET_SERVER_HTTP_CONNECTION_H_

#include <httplib.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "server/http/tls_session.h"
#include "server/tls/tls_identity.h"

namespace freshet {

// A connected socket with limits on the whole request, so that a client that sends slowly, or
// without end, costs a thread and memory only so much. The library's own streams limit each read
// by itself. Used by one thread.
class Connection : public httplib::Stream {
 public:
  // Takes the socket over and closes it at the end. The timeouts are those of HttpOptions; the
  // first one runs from now on. `max_request_bytes` is of the head. With `tls`, what is read and
  // written is encrypted on the way; null: it is not.
  Connection(socket_t socket, absl::Duration request_timeout, absl::Duration answer_timeout,
             size_t max_request_bytes, const TlsMaterial* tls = nullptr);
  ~Connection() override;

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Call first. False where encryption was asked for and does not come about.
  bool Begin();

  // Null without encryption.
  const SSL* ssl() const { return tls_ == nullptr ? nullptr : tls_->ssl(); }

  // Called between a request's head and its body: so much may come, within `timeout` from now on,
  // and all of it would be `announced_bytes`, 0 where the client did not say. What is then not read
  // is dropped for a moment before the connection is closed: a client that is still sending would
  // otherwise not see its answer.
  void ExpectBody(size_t max_bytes, size_t announced_bytes, absl::Duration timeout);

  // The number of bytes read or written; 0 at the end of the stream; -1 on an error, or over a
  // limit.
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;

  bool is_readable() const override;
  bool is_writable() const override;
  // IPv6 in brackets; empty where it cannot be told.
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  // Waits for `events` of the socket; false where the deadline passes first.
  bool Await(int events, absl::Time deadline) const;
  // Reads what there is into the buffer; as read().
  ssize_t Fill();
  ssize_t Receive(size_t max_bytes);
  void DropUnread();

  const socket_t socket_;
  const absl::Duration answer_timeout_;
  absl::Time request_deadline_;
  absl::Time answer_deadline_ = absl::InfinitePast();  // Set by the first write.
  size_t allowed_bytes_;                               // May still be read from the socket.
  size_t unread_body_bytes_ = 0;                       // Announced, and not handed out.

  std::array<char, 4096> buffer_;
  size_t begin_ = 0;  // What was read from the socket and not handed out.
  size_t end_ = 0;

  std::unique_ptr<TlsSession> tls_;  // Null without encryption.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_CONNECTION_H_
