// The server's certificate and key, read again when their files change.

#ifndef FRESHET_SERVER_TLS_TLS_IDENTITY_H_
#define FRESHET_SERVER_TLS_TLS_IDENTITY_H_

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/thread/published.h"

namespace freshet {

// The paths of the PEM files; see v1.TlsConfig.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;  // Empty: clients are not asked for a certificate.

  bool empty() const { return certificate.empty() && key.empty() && client_ca.empty(); }
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// The content of the files, in PEM, from a moment when they fitted together, and an OpenSSL context
// made from it.
struct TlsMaterial {
  std::string certificates;
  std::string key;
  std::string client_roots;

  // TLS 1.2 and up. If there are client roots, clients are asked for a certificate, and one that
  // does not lead to a root is refused. A client without a certificate is let in, so the caller has
  // to check for that.
  std::shared_ptr<SSL_CTX> context;
};

// Holds the newest valid content of the files. Thread-safe.
class TlsIdentity {
 public:
  // Errors name the file and what is wrong with it.
  static absl::StatusOr<std::unique_ptr<TlsIdentity>> Load(TlsFiles files);

  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  bool asks_for_client_certificates() const { return !files_.client_ca.empty(); }

  // The newest valid material.
  std::shared_ptr<const TlsMaterial> material() const { return material_.Load(); }

  // Reads the files again if they have changed; returns whether the material has been replaced. If
  // the files are not valid, for example because only one of them has been replaced so far, keeps
  // the old material and returns an error, once for each such content.
  absl::StatusOr<bool> Reload();

 private:
  explicit TlsIdentity(TlsFiles files) : files_(std::move(files)) {}

  const TlsFiles files_;
  Published<const TlsMaterial> material_;

  absl::Mutex reload_mu_;  // Held while files are read, which is rare.
  // The content of the files, including the key, or why they could not be read.
  std::optional<std::string> last_seen_ ABSL_GUARDED_BY(reload_mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_TLS_TLS_IDENTITY_H_
