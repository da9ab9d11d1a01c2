#include "server/service/snapshot_transfer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/str_cat.h"
#include "server/access/permissions.h"
#include "server/registry/new_model.h"
#include "server/service/grpc_status.h"
#include "server/service/resource_name.h"
#include "server/snapshot/snapshot_file.h"

namespace freshet {
namespace {

constexpr uint64_t kExportPieceBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxUploadBytes = uint64_t{64} << 30;

class SnapshotExport final : public grpc::ServerWriteReactor<v1::ExportSnapshotResponse> {
 public:
  SnapshotExport(ModelRegistry& registry, WorkerPool& io, const v1::ExportSnapshotRequest& request)
      : registry_(registry), io_(io), name_(request.name()) {
    io_.Post([this] { SendNext(); });
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      io_.Post([this] { SendNext(); });
    } else {
      Finish(ToGrpcStatus(absl::CancelledError("the client is gone")));
    }
  }

  void OnDone() override {
    { const absl::MutexLock lock(&mu_); }  // The last task has left it.
    delete this;
  }

 private:
  void SendNext() {
    const std::optional<absl::Status> end = FillPiece();
    if (end.has_value()) {
      Finish(ToGrpcStatus(*end));  // After which this object may be gone.
    } else {
      StartWrite(&piece_);
    }
  }

  // Reads the next piece. Returns the status of the call once that is known.
  std::optional<absl::Status> FillPiece() {
    const absl::MutexLock lock(&mu_);
    if (file_ == nullptr) {
      if (absl::Status status = Open(); !status.ok()) return status;
    }
    if (position_ == size_bytes_) return absl::OkStatus();
    std::string& data = *piece_.mutable_data();
    data.resize(std::min(kExportPieceBytes, size_bytes_ - position_));
    const absl::StatusOr<size_t> count =
        file_->ReadAt(position_, std::as_writable_bytes(std::span(data)));
    if (!count.ok()) return count.status();
    if (*count != data.size()) return absl::DataLossError(StrCat(name_, ": the file was cut off"));
    position_ += data.size();
    return std::nullopt;
  }

  absl::Status Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    absl::StatusOr<SnapshotName> name = ParseSnapshotName(name_);
    if (!name.ok()) return name.status();
    absl::StatusOr<std::shared_ptr<ServedModel>> model = registry_.Find(name->model_id);
    if (!model.ok()) return model.status();
    absl::StatusOr<std::unique_ptr<ReadFile>> file = (*model)->OpenSnapshot(name->snapshot_id);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    absl::StatusOr<uint64_t> size = file_->SizeBytes();
    if (size.ok()) size_bytes_ = *size;
    return size.status();
  }

  ModelRegistry& registry_;
  WorkerPool& io_;
  const std::string name_;

  v1::ExportSnapshotResponse piece_;  // Owned by the task or the write in progress.

  // Held by the task in progress.
  absl::Mutex mu_;
  std::unique_ptr<ReadFile> file_ ABSL_GUARDED_BY(mu_);
  uint64_t size_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t position_ ABSL_GUARDED_BY(mu_) = 0;
};

// A file in the data folder's uploads, removed by the destructor.
class Upload {
 public:
  static absl::StatusOr<std::unique_ptr<Upload>> Create(DataDir& data_dir) {
    std::string path = data_dir.NewUploadPath();
    absl::StatusOr<std::unique_ptr<AppendFile>> file =
        data_dir.file_system().OpenAppend(path, AppendMode::kCreate);
    if (!file.ok()) return file.status();
    return std::unique_ptr<Upload>(
        new Upload(data_dir.file_system(), std::move(path), *std::move(file)));
  }

  ~Upload() {
    file_.reset();
    // A file that cannot be removed is removed at the next start.
    file_system_.Unlink(path_).IgnoreError();
  }

  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  absl::Status Append(std::string_view data) {
    if (data.size() > kMaxUploadBytes - file_->size_bytes()) {
      return absl::ResourceExhaustedError(
          StrCat("the file is larger than ", kMaxUploadBytes, " bytes, the limit of an import"));
    }
    const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(data))};
    return file_->Append(pieces);
  }

  uint64_t size_bytes() const { return file_->size_bytes(); }

  // Reads and verifies the whole file.
  absl::StatusOr<LoadedSnapshot> Read() const {
    absl::StatusOr<LoadedSnapshot> snapshot = ReadSnapshotFile(file_system_, path_);
    if (snapshot.ok()) return snapshot;
    // The path means nothing to the client.
    std::string message(snapshot.status().message());
    if (message.starts_with(path_)) message.replace(0, path_.size(), "the file that was sent");
    return absl::Status(snapshot.status().code(), message);
  }

 private:
  Upload(FileSystem& file_system, std::string path, std::unique_ptr<AppendFile> file)
      : file_system_(file_system), path_(std::move(path)), file_(std::move(file)) {}

  FileSystem& file_system_;
  const std::string path_;
  std::unique_ptr<AppendFile> file_;
};

class SnapshotImport final : public grpc::ServerReadReactor<v1::ImportSnapshotRequest> {
 public:
  SnapshotImport(ModelRegistry& registry, DataDir& data_dir, WorkerPool& io, Caller caller,
                 grpc::CallbackServerContext& context, v1::ImportSnapshotResponse& response)
      : registry_(registry),
        data_dir_(data_dir),
        io_(io),
        caller_(std::move(caller)),
        context_(context),
        response_(response) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    io_.Post([this, ok] {
      const std::optional<absl::Status> end = Take(ok);
      if (end.has_value()) {
        Finish(ToGrpcStatus(*end));  // After which this object may be gone.
      } else {
        StartRead(&request_);
      }
    });
  }

  void OnDone() override {
    { const absl::MutexLock lock(&mu_); }  // The last task has left it.
    delete this;
  }

 private:
  // Takes what was read, or its end. Returns the status of the call once that is known; what is
  // left of the upload is then removed. Runs on the pool.
  std::optional<absl::Status> Take(bool ok) {
    const absl::MutexLock lock(&mu_);
    absl::Status status;
    if (ok) {
      status = TakePiece();
      if (status.ok()) return std::nullopt;
    } else {
      status = context_.IsCancelled() ? absl::CancelledError("the client is gone") : Use();
    }
    upload_.reset();
    return status;
  }

  absl::Status TakePiece() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    absl::Status status = absl::OkStatus();
    if (upload_ == nullptr) {
      status = Begin();
    } else if (!request_.parent().empty() || !request_.snapshot_id().empty() ||
               request_.has_new_model()) {
      status = absl::InvalidArgumentError(
          "parent, snapshot_id and new_model may only be set in the first message");
    }
    if (!status.ok()) return status;
    return upload_->Append(request_.data());
  }

  // Handles the first message, and refuses early an import that cannot succeed.
  absl::Status Begin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (absl::Status status = CheckCall(caller_, request_); !status.ok()) return status;
    absl::StatusOr<std::string> model_id = ParseModelName(request_.parent());
    absl::Status status = model_id.status();
    snapshot_id_ = request_.snapshot_id();
    if (status.ok() && !snapshot_id_.empty()) status = CheckResourceId("snapshot_id", snapshot_id_);
    if (!status.ok()) return status;
    model_id_ = *std::move(model_id);
    if (request_.has_new_model()) {
      new_model_ = std::move(*request_.mutable_new_model());
      if (!snapshot_id_.empty()) {
        return absl::InvalidArgumentError(StrCat("snapshot_id is \"", snapshot_id_,
                                                 "\"; the first snapshot of a new model is always ",
                                                 kOriginSnapshotId, ", so leave it empty"));
      }
      status = registry_.CheckVacant(model_id_);
    } else {
      status = registry_.Find(model_id_).status();
    }
    if (!status.ok()) return status;
    absl::StatusOr<std::unique_ptr<Upload>> upload = Upload::Create(data_dir_);
    if (!upload.ok()) return upload.status();
    upload_ = *std::move(upload);
    return absl::OkStatus();
  }

  // Verifies the whole file and creates the model or the snapshot from it.
  absl::Status Use() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (upload_ == nullptr || upload_->size_bytes() == 0) {
      return absl::InvalidArgumentError("no file was sent; send a snapshot that was exported");
    }
    absl::StatusOr<LoadedSnapshot> loaded = upload_->Read();
    if (!loaded.ok()) return loaded.status();
    upload_.reset();
    absl::StatusOr<v1::Snapshot> snapshot =
        new_model_.has_value() ? CreateModel(*loaded) : AddToModel(*loaded);
    if (!snapshot.ok()) return snapshot.status();
    *response_.mutable_snapshot() = *std::move(snapshot);
    return absl::OkStatus();
  }

  absl::StatusOr<v1::Snapshot> CreateModel(const LoadedSnapshot& loaded)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    absl::StatusOr<std::shared_ptr<ServedModel>> model =
        registry_.Create(model_id_, *new_model_, &loaded);
    if (!model.ok()) return model.status();
    absl::StatusOr<v1::SnapshotFileHeader> origin = (*model)->GetSnapshot(kOriginSnapshotId);
    if (!origin.ok()) return origin.status();
    return std::move(*origin->mutable_snapshot());
  }

  absl::StatusOr<v1::Snapshot> AddToModel(const LoadedSnapshot& loaded)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    absl::StatusOr<std::shared_ptr<ServedModel>> model = registry_.Find(model_id_);
    if (!model.ok()) return model.status();
    return (*model)->ImportSnapshot(snapshot_id_, loaded);
  }

  ModelRegistry& registry_;
  DataDir& data_dir_;
  WorkerPool& io_;
  const Caller caller_;
  grpc::CallbackServerContext& context_;
  v1::ImportSnapshotResponse& response_;

  v1::ImportSnapshotRequest request_;  // Owned by the read or the task in progress.

  // Held by the task in progress.
  absl::Mutex mu_;
  std::string model_id_ ABSL_GUARDED_BY(mu_);
  std::string snapshot_id_ ABSL_GUARDED_BY(mu_);
  std::optional<v1::Model> new_model_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Upload> upload_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

grpc::ServerWriteReactor<v1::ExportSnapshotResponse>* NewSnapshotExport(
    ModelRegistry& registry, WorkerPool& io, const v1::ExportSnapshotRequest& request) {
  return new SnapshotExport(registry, io, request);
}

grpc::ServerReadReactor<v1::ImportSnapshotRequest>* NewSnapshotImport(
    ModelRegistry& registry, DataDir& data_dir, WorkerPool& io, Caller caller,
    grpc::CallbackServerContext& context, v1::ImportSnapshotResponse& response) {
  return new SnapshotImport(registry, data_dir, io, std::move(caller), context, response);
}

}  // namespace freshet
