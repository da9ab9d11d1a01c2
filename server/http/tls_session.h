// The server's side of TLS on one connection.

#ifndef FRESHET_SERVER_HTTP_TLS_SESSION_H_
#define FRESHET_SERVER_HTTP_TLS_SESSION_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <functional>
#include <memory>

#include "server/tls/tls_identity.h"

namespace freshet {

// The result of one attempt to read or write without blocking.
struct IoResult {
  enum class Kind {
    kDone,       // `bytes` bytes were transferred, at least one; or the handshake is complete.
    kEnd,        // The other side sends no more.
    kWantRead,   // Try again once the socket is readable;
    kWantWrite,  // once it is writable.
    kFailed,
  };
  Kind kind = Kind::kFailed;
  size_t bytes = 0;  // Set for kDone.
};

// Not thread-safe. Writes to a socket that the client has closed raise SIGPIPE, which the process
// must ignore.
class TlsSession {
 public:
  // `socket` must be non-blocking and outlive this object.
  TlsSession(const TlsMaterial& material, int socket);
  ~TlsSession();

  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Fails if the client's certificate is not valid.
  IoResult Handshake();

  // REQUIRES: Handshake() is done; size >= 1.
  IoResult Read(char* data, size_t size);
  IoResult Write(const char* data, size_t size);

  // Tells the client that no more data will come; does not block.
  void Close();

  // Whether the client showed a certificate that is valid.
  bool HasClientCertificate() const;

 private:
  IoResult Run(const std::function<int()>& step);

  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  bool open_ = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_TLS_SESSION_H_
