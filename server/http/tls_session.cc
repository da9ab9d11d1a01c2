#include "server/http/tls_session.h"

#include <openssl/err.h>
#include <poll.h>

#include <algorithm>
#include <climits>

namespace freshet {

TlsSession::TlsSession(const TlsMaterial& material, int socket)
    : ssl_(SSL_new(material.context.get()), SSL_free) {
  SSL_set_fd(ssl_.get(), socket);
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

TlsSession::~TlsSession() = default;

int TlsSession::Run(const Wait& wait, const std::function<int()>& step) {
  while (true) {
    ERR_clear_error();
    const int result = step();
    if (result > 0) return result;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        if (!wait(POLLIN)) return -1;
        break;
      case SSL_ERROR_WANT_WRITE:
        if (!wait(POLLOUT)) return -1;
        break;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        open_ = false;  // Nothing more may be done with it.
        return -1;
    }
  }
}

bool TlsSession::Handshake(const Wait& wait) {
  open_ = Run(wait, [this] { return SSL_accept(ssl_.get()); }) > 0;
  return open_;
}

ssize_t TlsSession::Read(char* data, size_t size, const Wait& wait) {
  const int count = static_cast<int>(std::min<size_t>(size, INT_MAX));
  return Run(wait, [&] { return SSL_read(ssl_.get(), data, count); });
}

ssize_t TlsSession::Write(const char* data, size_t size, const Wait& wait) {
  if (size == 0) return 0;
  const int count = static_cast<int>(std::min<size_t>(size, INT_MAX));
  const int written = Run(wait, [&] { return SSL_write(ssl_.get(), data, count); });
  return written == 0 ? -1 : written;
}

void TlsSession::Close() {
  if (open_) SSL_shutdown(ssl_.get());
  open_ = false;
}

bool HasClientCertificate(const SSL* ssl) {
  return ssl != nullptr && SSL_get0_peer_certificate(ssl) != nullptr &&
         SSL_get_verify_result(ssl) == X509_V_OK;
}

}  // namespace freshet
