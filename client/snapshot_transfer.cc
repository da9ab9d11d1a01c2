// Client::ExportSnapshot() and Client::ImportSnapshot().

#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "client/client.h"
#include "client/model_options.h"
#include "client/resource_names.h"
#include "client/rpc_status.h"

namespace freshet {
namespace {

// Small enough for a server with a low limits.max_message_bytes.
constexpr size_t kImportPieceBytes = size_t{256} << 10;

// Fills `data` with the next piece of the file; makes it empty at the end of the file.
void ReadPiece(std::istream& in, std::string* data) {
  data->resize(kImportPieceBytes);
  in.read(data->data(), static_cast<std::streamsize>(data->size()));
  data->resize(static_cast<size_t>(in.gcount()));
}

}  // namespace

absl::StatusOr<uint64_t> Client::ExportSnapshot(std::string_view model, std::string_view snapshot,
                                                std::ostream& out) const {
  v1::ExportSnapshotRequest request;
  request.set_name(SnapshotName(model, snapshot));
  grpc::ClientContext context;
  AddToken(&context);
  const auto reader = models_->ExportSnapshot(&context, request);
  v1::ExportSnapshotResponse piece;
  uint64_t bytes = 0;
  while (out && reader->Read(&piece)) {
    out.write(piece.data().data(), static_cast<std::streamsize>(piece.data().size()));
    bytes += piece.data().size();
  }
  const bool written = static_cast<bool>(out.flush());
  if (!written) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!written) return absl::UnknownError("cannot write the snapshot; is the disk full?");
  if (!status.ok()) return FromRpcStatus(status, options_.server);
  return bytes;
}

absl::StatusOr<v1::Snapshot> Client::ImportSnapshot(std::string_view model, std::istream& in,
                                                    const ImportOptions& options) const {
  v1::ImportSnapshotRequest request;
  request.set_parent(ModelName(model));
  request.set_snapshot_id(LastSegment(options.snapshot));
  if (options.new_model.has_value()) *request.mutable_new_model() = ModelWith(*options.new_model);
  grpc::ClientContext context;
  AddToken(&context);
  v1::ImportSnapshotResponse response;
  const auto writer = models_->ImportSnapshot(&context, &response);
  // Send the first message even if the file is empty, so that the server reports what is wrong.
  ReadPiece(in, request.mutable_data());
  while (writer->Write(request) && in) {
    request.clear_parent();
    request.clear_snapshot_id();
    request.clear_new_model();
    ReadPiece(in, request.mutable_data());
  }
  // Cancel if reading failed, so that the server does not take the part read for the whole file.
  if (in.bad()) context.TryCancel();
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (in.bad()) return absl::UnknownError("cannot read the snapshot file");
  if (!status.ok()) return FromRpcStatus(status, options_.server);
  return std::move(*response.mutable_snapshot());
}

}  // namespace freshet
