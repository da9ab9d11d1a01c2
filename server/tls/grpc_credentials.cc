#include "server/tls/grpc_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <string>

#include "core/thread/steady_mutex.h"

namespace freshet {
namespace {

// Uses gRPC's C API, because the C++ API has no credentials whose certificates come from a
// callback, and none that see headers on unencrypted connections.
class CoreCredentials : public grpc::ServerCredentials {
 public:
  CoreCredentials(const TlsIdentity* identity, const grpc_auth_metadata_processor& headers)
      : identity_(identity), credentials_(MakeCredentials()) {
    grpc_server_credentials_set_auth_metadata_processor(credentials_, headers);
  }

  ~CoreCredentials() override { grpc_server_credentials_release(credentials_); }

  // Does nothing: the processor given to the constructor stays.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* MakeCredentials() {
    if (identity_ == nullptr) return grpc_insecure_server_credentials_create();
    const grpc_ssl_client_certificate_request_type request =
        identity_->asks_for_client_certificates()
            ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
            : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &Fetch, this));
  }

  // Called by gRPC before each handshake, from many threads.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<CoreCredentials*>(self)->FetchNow(config);
  }

  grpc_ssl_certificate_config_reload_status FetchNow(grpc_ssl_server_certificate_config** config) {
    const std::shared_ptr<const TlsMaterial> material = identity_->material();
    {
      const SteadyLock lock(&mu_);
      if (material == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
      given_ = material;
    }
    const grpc_ssl_pem_key_cert_pair pair = {material->key.c_str(), material->certificates.c_str()};
    // gRPC takes no new certificate without client roots, even if clients are not asked for
    // certificates. In that case the server's own certificates stand in for them and have no
    // effect.
    const std::string& roots =
        material->client_roots.empty() ? material->certificates : material->client_roots;
    *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsIdentity* const identity_;
  grpc_server_credentials* const credentials_;

  SteadyMutex mu_;
  std::shared_ptr<const TlsMaterial> given_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeGrpcCredentials(
    const TlsIdentity* identity, const grpc_auth_metadata_processor& headers) {
  return std::make_shared<CoreCredentials>(identity, headers);
}

}  // namespace freshet
