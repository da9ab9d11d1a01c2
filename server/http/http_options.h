// Settings of the HTTP endpoint, and limits on what clients may use.

#ifndef FRESHET_SERVER_HTTP_HTTP_OPTIONS_H_
#define FRESHET_SERVER_HTTP_HTTP_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "server/access/access_control.h"
#include "server/tls/tls_identity.h"

namespace freshet {

// Deadlines are accurate to a twentieth of a second.
struct HttpOptions {
  // host:port, or [host]:port for IPv6; port 0 takes a free one.
  std::string listen = "127.0.0.1:0";
  // From the connection, or the first byte of a later request, to the last byte of the request's
  // head.
  absl::Duration request_timeout = absl::Seconds(5);
  // From the end of the head to the last byte of the body.
  absl::Duration body_timeout = absl::Seconds(30);
  // From the first byte of an answer to the last; long answers get more time, see
  // kLeastAnswerBytesPerSecond.
  absl::Duration answer_timeout = absl::Seconds(10);
  // From an answer to the first byte of the next request.
  absl::Duration idle_timeout = absl::Seconds(60);
  // How long a request waits for memory before it is refused.
  absl::Duration memory_timeout = absl::Seconds(5);
  // How long requests that are in progress when the server is destroyed may take; then their
  // connections are cut off.
  absl::Duration stop_grace = absl::Seconds(1);
  // Longest head of a request.
  size_t max_request_bytes = 16384;
  // Longest body of a request, after decompression.
  size_t max_body_bytes = 16U << 20;
  // Beyond this, the connection that would be missed least is closed.
  uint32_t max_connections = 512;
  // The same per address; an IPv6 /64 network counts as one address.
  uint32_t max_address_connections = 256;
  // Memory for all requests in progress together, including their parsed bodies and their answers.
  uint64_t max_memory_bytes = uint64_t{256} << 20;
  // Decides who may see which page; must outlive the server. Null: everyone may see all.
  const AccessControl* access = nullptr;
  // Encrypts connections; must outlive the server. Null: no encryption. If it asks for client
  // certificates, clients without one only get open pages, so that probes need none.
  const TlsIdentity* tls = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_OPTIONS_H_
