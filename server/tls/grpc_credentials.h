// Credentials for the gRPC server that take up new certificates without a restart.

#ifndef FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_
#define FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls/tls_identity.h"

namespace freshet {

// If `identity` is null, nothing is encrypted. Otherwise each new connection uses the newest
// material; if that has client roots, a client without a certificate that leads to one is refused.
// `headers` sees the headers of each call before anything else of the call is read. `identity`,
// whatever `headers` refers to, and the credentials themselves must outlive the server.
//
// gRPC's own file watcher would accept a certificate and a key that do not match, and then refuse
// every client; these credentials only ever use files that match.
std::shared_ptr<grpc::ServerCredentials> MakeGrpcCredentials(
    const TlsIdentity* identity, const grpc_auth_metadata_processor& headers);

}  // namespace freshet

#endif  // FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_
