#include "server/http/tls_session.h"

#include <openssl/err.h>

#include <algorithm>
#include <climits>

namespace freshet {

TlsSession::TlsSession(const TlsMaterial& material, int socket)
    : ssl_(SSL_new(material.context.get()), SSL_free) {
  SSL_set_fd(ssl_.get(), socket);
  // SSL_MODE_RELEASE_BUFFERS: idle connections keep no buffers.
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
}

TlsSession::~TlsSession() = default;

IoResult TlsSession::Run(const std::function<int()>& step) {
  ERR_clear_error();
  const int result = step();
  if (result > 0) return {IoResult::Kind::kDone, static_cast<size_t>(result)};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {IoResult::Kind::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {IoResult::Kind::kWantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {IoResult::Kind::kEnd};
    default:
      open_ = false;  // OpenSSL forbids further use of the session.
      return {IoResult::Kind::kFailed};
  }
}

IoResult TlsSession::Handshake() {
  const IoResult result = Run([this] { return SSL_accept(ssl_.get()); });
  open_ = result.kind == IoResult::Kind::kDone;
  return result;
}

IoResult TlsSession::Read(char* data, size_t size) {
  const int count = static_cast<int>(std::min<size_t>(size, INT_MAX));
  return Run([&] { return SSL_read(ssl_.get(), data, count); });
}

IoResult TlsSession::Write(const char* data, size_t size) {
  const int count = static_cast<int>(std::min<size_t>(size, INT_MAX));
  return Run([&] { return SSL_write(ssl_.get(), data, count); });
}

void TlsSession::Close() {
  if (open_) SSL_shutdown(ssl_.get());
  open_ = false;
}

bool TlsSession::HasClientCertificate() const {
  return SSL_get0_peer_certificate(ssl_.get()) != nullptr &&
         SSL_get_verify_result(ssl_.get()) == X509_V_OK;
}

}  // namespace freshet
