#include "server/tls/grpc_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <mutex>
#include <string>

namespace freshet {
namespace {

// gRPC's C++ interface has no credentials whose certificates come from a callback, its C interface
// has.
class ReloadedCredentials : public grpc::ServerCredentials {
 public:
  explicit ReloadedCredentials(const TlsIdentity& identity) : identity_(identity) {
    const grpc_ssl_client_certificate_request_type request =
        identity.asks_for_client_certificates()
            ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
            : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &Fetch, this));
  }

  ~ReloadedCredentials() override { grpc_server_credentials_release(credentials_); }

  // Tokens are looked at by the services.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // Called by gRPC before each handshake, from many threads.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<ReloadedCredentials*>(self)->FetchNow(config);
  }

  grpc_ssl_certificate_config_reload_status FetchNow(grpc_ssl_server_certificate_config** config) {
    const std::shared_ptr<const TlsMaterial> material = identity_.material();
    {
      const std::lock_guard lock(mu_);
      if (material == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
      given_ = material;
    }
    const grpc_ssl_pem_key_cert_pair pair = {material->key.c_str(), material->certificates.c_str()};
    // gRPC takes no new certificate without roots, even where no client is asked for one; those
    // that stand in for them then have no effect.
    const std::string& roots =
        material->client_roots.empty() ? material->certificates : material->client_roots;
    *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsIdentity& identity_;
  grpc_server_credentials* credentials_ = nullptr;

  std::mutex mu_;
  std::shared_ptr<const TlsMaterial> given_;  // Guarded by mu_.
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeGrpcCredentials(const TlsIdentity& identity) {
  return std::make_shared<ReloadedCredentials>(identity);
}

}  // namespace freshet
