// A connected socket, encrypted or not.

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

// Never waits: what cannot go on says for what it would have to. Used on one thread.
class Transport {
 public:
  // With `tls`, what is read and written is encrypted on the way; null: it is not.
  Transport(boost::asio::ip::tcp::socket socket, const TlsMaterial* tls);

  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  bool is_encrypted() const { return tls_.has_value(); }
  bool has_client_certificate() const { return tls_ && tls_->HasClientCertificate(); }

  // Call first, until it is done or fails.
  IoResult Handshake();
  // REQUIRES: size >= 1.
  IoResult Read(char* data, size_t size);
  // Writes from the first text, then from the second. REQUIRES: they are not both empty.
  IoResult Write(std::string_view first, std::string_view second);

  // Calls `ready` once, when what `result` wants has come about; never, where the socket is closed
  // before that. REQUIRES: `result` wants something; no other wait is under way.
  void Await(const IoResult& result, std::function<void()> ready);

  void CancelWait();

  // Tells the client that no more comes.
  void ShutdownWrites();
  // Reads past encryption, and throws away; as Read().
  IoResult Drop();

  void Close();
  // As Close(); what was written and has not left the machine is thrown away.
  void Abort();

 private:
  boost::asio::ip::tcp::socket socket_;
  std::optional<TlsSession> tls_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_TRANSPORT_H_
