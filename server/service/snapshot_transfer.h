// The streams ModelService.ExportSnapshot and ImportSnapshot, which send snapshots as files to a
// client and receive them.
//
// Files are read and written on the pool `io`, one piece at a time. A slow client does not occupy a
// thread of the pool: the next task is posted when the last piece has been sent or another one has
// arrived.

#ifndef FRESHET_SERVER_SERVICE_SNAPSHOT_TRANSFER_H_
#define FRESHET_SERVER_SERVICE_SNAPSHOT_TRANSFER_H_

#include <grpcpp/grpcpp.h>

#include "freshet/v1/model_service.pb.h"
#include "server/access/caller.h"
#include "server/file/data_dir.h"
#include "server/registry/model_registry.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// Serves one ExportSnapshot call. Keeps references to `registry` and `io` until the call ends. The
// reactor deletes itself.
grpc::ServerWriteReactor<v1::ExportSnapshotResponse>* NewSnapshotExport(
    ModelRegistry& registry, WorkerPool& io, const v1::ExportSnapshotRequest& request);

// Serves one ImportSnapshot call. The received file is kept in the data folder's uploads until it
// has been verified as a whole; it is removed when the call ends, however it ends. Whether `caller`
// may make the call is checked on the first message. Keeps references to all arguments except
// `caller` until the call ends. The reactor deletes itself.
grpc::ServerReadReactor<v1::ImportSnapshotRequest>* NewSnapshotImport(
    ModelRegistry& registry, DataDir& data_dir, WorkerPool& io, Caller caller,
    grpc::CallbackServerContext& context, v1::ImportSnapshotResponse& response);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_SNAPSHOT_TRANSFER_H_
