// A TlsIdentity for gRPC.

#ifndef FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_
#define FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls/tls_identity.h"

namespace freshet {

// Each new connection gets the material of that moment. Where there are roots of clients, a client
// without a certificate that leads to one is refused. `identity` and the credentials themselves
// must outlive the server.
//
// gRPC's own provider that watches files would take a certificate and a key that do not fit, and
// then refuse everyone; this one takes over only what fits.
std::shared_ptr<grpc::ServerCredentials> MakeGrpcCredentials(const TlsIdentity& identity);

}  // namespace freshet

#endif  // FRESHET_SERVER_TLS_GRPC_CREDENTIALS_H_
