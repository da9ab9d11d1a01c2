// TLS on one connection.

#ifndef FRESHET_SERVER_HTTP_TLS_SESSION_H_
#define FRESHET_SERVER_HTTP_TLS_SESSION_H_

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>

#include "server/tls/tls_identity.h"

namespace freshet {

// The server's side. Not thread-safe. Writes to a socket that the client has closed raise SIGPIPE,
// which the process must ignore.
class TlsSession {
 public:
  // Waits until poll() has one of `events` for the socket; false where it is too late.
  using Wait = std::function<bool(int events)>;

  // On a socket that does not block, and outlives this.
  TlsSession(const TlsMaterial& material, int socket);
  ~TlsSession();

  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // False where there is none, or its certificate is no good.
  bool Handshake(const Wait& wait);

  // As read() and write() of httplib::Stream. REQUIRES: Handshake() returned true.
  ssize_t Read(char* data, size_t size, const Wait& wait);
  ssize_t Write(const char* data, size_t size, const Wait& wait);

  // Whether bytes were received that were not read yet.
  bool HasPending() const { return SSL_pending(ssl_.get()) > 0; }

  // Tells the client that no more comes; does not wait.
  void Close();

  // Of the client's certificate, where it has one, and that is then a good one.
  const SSL* ssl() const { return ssl_.get(); }

 private:
  // Does `step` until it is done. Its result; 0 at the end of the stream, -1 on an error.
  int Run(const Wait& wait, const std::function<int()>& step);

  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  bool open_ = false;
};

// Whether the client of a connection showed a certificate.
bool HasClientCertificate(const SSL* ssl);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_TLS_SESSION_H_
