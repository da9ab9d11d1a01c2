// How the HTTP endpoint is set up, and what clients may take of it.

#ifndef FRESHET_SERVER_HTTP_HTTP_OPTIONS_H_
#define FRESHET_SERVER_HTTP_HTTP_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "server/access/access_control.h"
#include "server/tls/tls_identity.h"

namespace freshet {

// Deadlines are kept to within a twentieth of a second.
struct HttpOptions {
  // host:port; port 0 takes a free one; [host]:port for IPv6.
  std::string listen = "127.0.0.1:0";
  // From the connection, or the first byte of a later request, to the last byte of its head.
  absl::Duration request_timeout = absl::Seconds(5);
  // From there to the last byte of its body.
  absl::Duration body_timeout = absl::Seconds(30);
  // From the first byte of an answer to the last, with what kLeastAnswerBytesPerSecond adds.
  absl::Duration answer_timeout = absl::Seconds(10);
  // From an answer to the first byte of the next request.
  absl::Duration idle_timeout = absl::Seconds(60);
  // A request for which there is no memory waits for so long, and is then refused.
  absl::Duration memory_timeout = absl::Seconds(5);
  // What is under way when the server is destroyed may take so long; then its connection is cut
  // off.
  absl::Duration stop_grace = absl::Seconds(1);
  // Of a request's head.
  size_t max_request_bytes = 16384;
  // Of a request's body, as it is after decoding.
  size_t max_body_bytes = 16U << 20;
  // Where there is one more, the one is closed that would be missed least.
  uint32_t max_connections = 512;
  // The same for each address; an IPv6 network of 64 bits counts as one.
  uint32_t max_address_connections = 256;
  // For all requests under way together, with what is parsed of their bodies, and their answers.
  uint64_t max_memory_bytes = uint64_t{256} << 20;
  // Who may have which page; outlives the server. Null: everyone may have all.
  const AccessControl* access = nullptr;
  // Encrypts; outlives the server. Null: nothing is encrypted. Where it asks for certificates of
  // clients, those without one are given open pages alone, so that probes need none.
  const TlsIdentity* tls = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_OPTIONS_H_
