// Snapshots that leave a server as files and come into one: ModelService.ExportSnapshot and
// ImportSnapshot.
//
// Files are read and written on the io pool, one piece at a time, and the pool is not held while a
// client is slow: the next task is posted once the last piece has been sent, or another has come.

#ifndef FRESHET_SERVER_SERVICE_SNAPSHOT_TRANSFER_H_
#define FRESHET_SERVER_SERVICE_SNAPSHOT_TRANSFER_H_

#include <grpcpp/grpcpp.h>

#include "freshet/v1/model_service.pb.h"
#include "server/access/caller.h"
#include "server/file/data_dir.h"
#include "server/registry/model_registry.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// Answers one ExportSnapshot. Keeps references to the first two until the call ends.
grpc::ServerWriteReactor<v1::ExportSnapshotResponse>* NewSnapshotExport(
    ModelRegistry& registry, WorkerPool& io, const v1::ExportSnapshotRequest& request);

// Answers one ImportSnapshot. What the client sends stands in the data folder's uploads until it
// was verified whole; it is gone when the call ends, however it ends. The first message says
// whether `caller` may. Keeps references to the others until then.
grpc::ServerReadReactor<v1::ImportSnapshotRequest>* NewSnapshotImport(
    ModelRegistry& registry, DataDir& data_dir, WorkerPool& io, Caller caller,
    grpc::CallbackServerContext& context, v1::ImportSnapshotResponse& response);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_SNAPSHOT_TRANSFER_H_
