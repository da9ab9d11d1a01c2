// The server's certificate and key, as they are in their files now.

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

// See v1.TlsConfig.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;  // Empty: clients show no certificate.

  bool empty() const { return certificate.empty() && key.empty() && client_ca.empty(); }
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// What the files held, in PEM, when they fitted together; and the same made ready for OpenSSL.
struct TlsMaterial {
  std::string certificates;
  std::string key;
  std::string client_roots;

  // TLS 1.2 and up. A client certificate is asked for where there are roots, and refused where it
  // does not lead to one; a client without one is let in, and the caller has to look.
  std::shared_ptr<SSL_CTX> context;
};

// Thread-safe.
class TlsIdentity {
 public:
  // Errors name the file, and what is wrong with it.
  static absl::StatusOr<std::unique_ptr<TlsIdentity>> Load(TlsFiles files);

  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  bool asks_for_client_certificates() const { return !files_.client_ca.empty(); }

  // The newest that was good.
  std::shared_ptr<const TlsMaterial> material() const { return material_.Load(); }

  // Reads the files again if they have changed; returns whether the material is now another. Where
  // it is not good, for example as only one of the files was replaced so far, it stays, and the
  // error comes once for each such content.
  absl::StatusOr<bool> Reload();

 private:
  explicit TlsIdentity(TlsFiles files) : files_(std::move(files)) {}

  const TlsFiles files_;
  Published<const TlsMaterial> material_;

  absl::Mutex reload_mu_;  // Held while files are read, which is seldom.
  // What the files held, the key included, or why they could not be read.
  std::optional<std::string> last_seen_ ABSL_GUARDED_BY(reload_mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_TLS_TLS_IDENTITY_H_
