// TLS on one connection.

#ifndef FRESHET_SERVER_HTTP_TLS_SESSION_H_
#define FRESHET_SERVER_HTTP_TLS_SESSION_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <functional>
#include <memory>

#include "server/tls/tls_identity.h"

namespace freshet {

// What became of one attempt to read or write without waiting.
struct IoResult {
  enum class Kind {
    kDone,       // So many bytes, at least one; for a handshake: it is complete.
    kEnd,        // The other side sends no more.
    kWantRead,   // Try again once the socket is readable;
    kWantWrite,  // once it is writable.
    kFailed,
  };
  Kind kind = Kind::kFailed;
  size_t bytes = 0;  // Where it is done.
};

// The server's side. Not thread-safe. Writes to a socket that the client has closed raise SIGPIPE,
// which the process must ignore.
class TlsSession {
 public:
  // On a socket that does not block, and outlives this.
  TlsSession(const TlsMaterial& material, int socket);
  ~TlsSession();

  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // It fails where the certificate of the client is no good.
  IoResult Handshake();

  // REQUIRES: Handshake() is done; size >= 1.
  IoResult Read(char* data, size_t size);
  IoResult Write(const char* data, size_t size);

  // Tells the client that no more comes; does not wait.
  void Close();

  // Whether the client showed a certificate, and that is then a good one.
  bool HasClientCertificate() const;

 private:
  IoResult Run(const std::function<int()>& step);

  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  bool open_ = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_TLS_SESSION_H_
