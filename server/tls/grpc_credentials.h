// Credentials of a gRPC server.

#ifndef FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_
#define FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls/tls_identity.h"

namespace freshet {

// Without an identity nothing is encrypted. With one each new connection gets the material of that
// moment; where there are roots of clients, a client without a certificate that leads to one is
// refused. `headers` looks at the headers of each call before anything else of it is read.
// `identity`, what `headers` refers to, and the credentials themselves must outlive the server.
//
// gRPC's own provider that watches files would take a certificate and a key that do not fit, and
// then refuse everyone; this one takes over only what fits.
std::shared_ptr<grpc::ServerCredentials> MakeGrpcCredentials(
    const TlsIdentity* identity, const grpc_auth_metadata_processor& headers);

}  // namespace freshet

#endif  // FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_
