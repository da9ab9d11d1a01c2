#include "server/snapshot/snapshot_store.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/resource_id.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr std::string_view kTemporarySuffix = ".snapshot.tmp";

std::string_view UidText(std::string_view uid) { return uid.empty() ? "none" : uid; }

absl::Status NotFound(std::string_view id) {
  return absl::NotFoundError(StrCat("snapshot \"", id, "\" not found"));
}

bool IsOlder(const v1::SnapshotFileHeader& a, const v1::SnapshotFileHeader& b) {
  const auto key = [](const v1::Snapshot& snapshot) {
    return std::make_tuple(snapshot.offset(), snapshot.create_time().seconds(),
                           snapshot.create_time().nanos(), std::string_view(snapshot.name()));
  };
  return key(a.snapshot()) < key(b.snapshot());
}

}  // namespace

absl::Status CheckOwner(const std::string& path, const v1::SnapshotFileHeader& header,
                        std::string_view model_name, std::string_view model_uid) {
  const v1::Model& model = header.model();
  if (model.name() == model_name && model.uid() == model_uid) return absl::OkStatus();
  return absl::DataLossError(
      StrCat(path, ": the snapshot is of ", model.name(), " (uid ", UidText(model.uid()),
             "), not of this folder's ", model_name, " (uid ", UidText(model_uid),
             "); 'freshet snapshots import' takes a snapshot over from another model"));
}

absl::StatusOr<std::unique_ptr<SnapshotStore>> SnapshotStore::Open(FileSystem& file_system,
                                                                   std::string dir,
                                                                   const v1::Model& model) {
  if (absl::Status status = file_system.CreateDir(dir);
      !status.ok() && !absl::IsAlreadyExists(status)) {
    return status;
  }
  // Synced because a crash may have come between the creation of the folder, or of a snapshot, and
  // the sync.
  for (const std::string& folder : {ParentFolder(dir), dir}) {
    if (absl::Status status = file_system.SyncDir(folder); !status.ok()) return status;
  }
  std::unique_ptr<SnapshotStore> store(new SnapshotStore(file_system, std::move(dir), model));
  if (absl::Status status = store->ReadFolder(); !status.ok()) return status;
  return store;
}

SnapshotStore::SnapshotStore(FileSystem& file_system, std::string dir, const v1::Model& model)
    : file_system_(file_system),
      dir_(std::move(dir)),
      model_name_(model.name()),
      model_uid_(model.uid()) {}

std::string SnapshotStore::PathOf(std::string_view id) const {
  return StrCat(dir_, "/", id, kSnapshotSuffix);
}

absl::Status SnapshotStore::CheckHeader(const v1::SnapshotFileHeader& header,
                                        std::string_view id) const {
  if (!IsResourceId(id)) {
    return absl::DataLossError(
        StrCat(PathOf(id), ": \"", id, "\" is not a valid id of a snapshot"));
  }
  absl::Status owner = CheckOwner(PathOf(id), header, model_name_, model_uid_);
  if (!owner.ok()) return owner;
  if (LastId(header.snapshot().name()) != id) {
    return absl::DataLossError(StrCat(PathOf(id),
                                      ": the file's name is not that of the snapshot in it, ",
                                      header.snapshot().name(), "; give it its name back"));
  }
  return absl::OkStatus();
}

absl::Status SnapshotStore::ReadFolder() {
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(dir_);
  if (!entries.ok()) return entries.status();
  const absl::MutexLock lock(&mu_);
  for (const DirEntry& entry : *entries) {
    const std::string_view name = entry.name;
    const std::string path = StrCat(dir_, "/", name);
    if (entry.is_directory) {
      if (!name.ends_with(kSnapshotSuffix)) continue;
      const std::string id(name.substr(0, name.size() - kSnapshotSuffix.size()));
      damaged_.emplace(id, DamagedSnapshot{.id = id,
                                           .path = path,
                                           .reason = absl::DataLossError(
                                               StrCat(path, ": it is a folder, not a file"))});
      continue;
    }
    if (name.ends_with(kTemporarySuffix)) {
      // If this fails, the file does no harm.
      file_system_.Unlink(path).IgnoreError();
      continue;
    }
    if (!name.ends_with(kSnapshotSuffix)) continue;
    const std::string id(name.substr(0, name.size() - kSnapshotSuffix.size()));
    absl::StatusOr<v1::SnapshotFileHeader> header = ReadSnapshotFileHeader(file_system_, path);
    absl::Status status = header.ok() ? CheckHeader(*header, id) : header.status();
    if (status.ok()) {
      good_.emplace(id, *std::move(header));
    } else {
      damaged_.emplace(id, DamagedSnapshot{.id = id, .path = path, .reason = std::move(status)});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::SnapshotFileHeader> SnapshotStore::WriteDurably(
    const std::string& id, v1::SnapshotFileHeader header, std::span<const ByteSpan> payload) {
  const std::string temporary = StrCat(dir_, "/", id, kTemporarySuffix);
  // An earlier write that failed may have left this file.
  absl::Status status = file_system_.Unlink(temporary);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  absl::StatusOr<v1::SnapshotFileHeader> written =
      WriteSnapshotFile(file_system_, temporary, std::move(header), payload);
  status = written.status();
  if (status.ok()) status = file_system_.Rename(temporary, PathOf(id));
  if (!status.ok()) {
    file_system_.Unlink(temporary).IgnoreError();
    return status;
  }
  status = file_system_.SyncDir(dir_);
  if (!status.ok()) {
    // Nobody knows whether the name would survive a crash. As the write fails, it should not.
    file_system_.Unlink(PathOf(id)).IgnoreError();
    return status;
  }
  return written;
}

absl::StatusOr<v1::SnapshotFileHeader> SnapshotStore::Write(v1::SnapshotFileHeader header,
                                                            std::span<const ByteSpan> payload) {
  const std::string id(LastId(header.snapshot().name()));
  if (!IsResourceId(id)) {
    return absl::InvalidArgumentError(
        StrCat("snapshot id \"", id, "\" does not match [a-z]([a-z0-9-]{0,61}[a-z0-9])?"));
  }
  {
    const absl::MutexLock lock(&mu_);
    if (good_.contains(id) || damaged_.contains(id) || !being_written_.insert(id).second) {
      return absl::AlreadyExistsError(
          StrCat("snapshot \"", id, "\" exists; choose another id or delete it first"));
    }
  }
  absl::StatusOr<v1::SnapshotFileHeader> written = WriteDurably(id, std::move(header), payload);

  const absl::MutexLock lock(&mu_);
  being_written_.erase(id);
  if (written.ok()) good_.emplace(id, *written);
  return written;
}

std::vector<v1::SnapshotFileHeader> SnapshotStore::List() const {
  std::vector<v1::SnapshotFileHeader> headers;
  {
    const absl::MutexLock lock(&mu_);
    for (const auto& [id, header] : good_) headers.push_back(header);
  }
  std::sort(headers.begin(), headers.end(), IsOlder);
  return headers;
}

absl::StatusOr<v1::SnapshotFileHeader> SnapshotStore::Get(std::string_view id) const {
  const absl::MutexLock lock(&mu_);
  const std::string key(id);
  if (const auto good = good_.find(key); good != good_.end()) return good->second;
  if (const auto damaged = damaged_.find(key); damaged != damaged_.end()) {
    return damaged->second.reason;
  }
  return NotFound(id);
}

absl::StatusOr<LoadedSnapshot> SnapshotStore::Load(std::string_view id) {
  if (absl::StatusOr<v1::SnapshotFileHeader> header = Get(id); !header.ok()) {
    return header.status();
  }
  const std::string path = PathOf(id);
  absl::StatusOr<LoadedSnapshot> loaded = ReadSnapshotFile(file_system_, path);
  // The file may have been deleted, or replaced by another under the same id, since Get().
  if (absl::IsNotFound(loaded.status())) return NotFound(id);
  if (loaded.ok()) {
    if (absl::Status status = CheckHeader(loaded->header(), id); !status.ok()) loaded = status;
  }
  if (absl::IsDataLoss(loaded.status())) {
    const absl::MutexLock lock(&mu_);
    const std::string key(id);
    if (good_.erase(key) > 0) {
      damaged_.emplace(key, DamagedSnapshot{.id = key, .path = path, .reason = loaded.status()});
    }
  }
  return loaded;
}

absl::StatusOr<std::unique_ptr<ReadFile>> SnapshotStore::OpenVerified(std::string_view id) {
  if (absl::StatusOr<v1::SnapshotFileHeader> header = Get(id); !header.ok()) {
    return header.status();
  }
  // Opened before it is verified, so that a deletion after that does not matter.
  absl::StatusOr<std::unique_ptr<ReadFile>> file = file_system_.OpenRead(PathOf(id));
  if (absl::IsNotFound(file.status())) return NotFound(id);
  if (!file.ok()) return file;
  if (absl::Status status = Load(id).status(); !status.ok()) return status;
  return file;
}

absl::Status SnapshotStore::Delete(std::string_view id) {
  if (absl::StatusOr<v1::SnapshotFileHeader> header = Get(id); absl::IsNotFound(header.status())) {
    return header.status();
  }
  absl::Status status = file_system_.Unlink(PathOf(id));
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  {
    const absl::MutexLock lock(&mu_);
    const std::string key(id);
    good_.erase(key);
    damaged_.erase(key);
  }
  return file_system_.SyncDir(dir_);
}

std::vector<DamagedSnapshot> SnapshotStore::damaged() const {
  const absl::MutexLock lock(&mu_);
  std::vector<DamagedSnapshot> damaged;
  for (const auto& [id, snapshot] : damaged_) damaged.push_back(snapshot);
  return damaged;
}

}  // namespace freshet
