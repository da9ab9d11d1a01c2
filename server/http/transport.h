// A connected TCP socket, with or without TLS.

#ifndef FRESHET_SERVER_HTTP_TRANSPORT_H_
#define FRESHET_SERVER_HTTP_TRANSPORT_H_

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "server/http/tls_session.h"
#include "server/tls/tls_identity.h"

namespace freshet {

// Never blocks: an operation that would have to wait says what it has to wait for. Not thread-safe.
class Transport {
 public:
  // Uses TLS if `tls` is not null.
  Transport(boost::asio::ip::tcp::socket socket, const TlsMaterial* tls);

  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  bool is_encrypted() const { return tls_.has_value(); }
  bool has_client_certificate() const { return tls_ && tls_->HasClientCertificate(); }

  // Call this first, until it is done or fails.
  IoResult Handshake();
  // REQUIRES: size >= 1.
  IoResult Read(char* data, size_t size);
  // Writes from `first`, then from `second`. REQUIRES: at least one of them is not empty.
  IoResult Write(std::string_view first, std::string_view second);

  // Calls `ready` once, when the socket is readable or writable as `result` wants; never if the
  // socket is closed before that. REQUIRES: `result` wants to read or write; no other wait is in
  // progress.
  void Await(const IoResult& result, std::function<void()> ready);

  void CancelWait();

  // Tells the client that no more data will come.
  void ShutdownWrites();
  // Reads raw bytes, without decryption, and drops them. Results as for Read().
  IoResult Drop();

  void Close();
  // Closes the socket and drops data that has been written and not sent yet.
  void Abort();

 private:
  boost::asio::ip::tcp::socket socket_;
  std::optional<TlsSession> tls_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_TRANSPORT_H_
