#include "server/file/data_dir.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"
#include "server/file/model_folder.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr uint32_t kVersion = 3;
constexpr std::string_view kNewPrefix = ".new-";
constexpr std::string_view kTrashPrefix = ".trash-";

// Creates the folder and its parents, durably.
absl::Status CreateDirs(FileSystem& file_system, const std::string& path) {
  std::string folder;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    if (part.empty()) continue;
    folder = folder.empty() || folder.back() == '/' ? StrCat(folder, part.string())
                                                    : StrCat(folder, "/", part.string());
    absl::Status status = file_system.CreateDir(folder);
    const bool exists = absl::IsAlreadyExists(status);
    if (!status.ok() && !exists) return status;
    absl::Status synced = file_system.SyncDir(ParentFolder(folder));
    // An existing folder is synced too, in case a crash came between its creation and the sync. For
    // folders high up that may not be permitted, so errors are ignored there.
    if (!synced.ok() && !exists) return synced;
  }
  return absl::OkStatus();
}

// Removes a folder and all that it holds.
absl::Status RemoveTree(FileSystem& file_system, const std::string& path) {
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system.ListDir(path);
  if (!entries.ok()) return entries.status();
  for (const DirEntry& entry : *entries) {
    const std::string child = StrCat(path, "/", entry.name);
    absl::Status status =
        entry.is_directory ? RemoveTree(file_system, child) : file_system.Unlink(child);
    if (!status.ok()) return status;
  }
  return file_system.RemoveDir(path);
}

// Refuses a folder that everyone may write to: others could add or change files that models would
// then be recovered from.
absl::Status CheckPrivate(FileSystem& file_system, const std::string& path) {
  constexpr uint32_t kOthersMayWrite = 0002;
  const absl::StatusOr<uint32_t> permissions = file_system.Permissions(path);
  if (!permissions.ok()) return permissions.status();
  if ((*permissions & kOthersMayWrite) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(path, ": everyone may write to it; change that with 'chmod o-w ", path,
             "', or name another folder with --data-dir"));
}

bool IsLeftover(std::string_view name) {
  return name.starts_with(kNewPrefix) || name.starts_with(kTrashPrefix);
}

}  // namespace

absl::StatusOr<uint32_t> ReadLayoutVersion(FileSystem& file_system, const std::string& data_dir) {
  const std::string path = StrCat(data_dir, "/VERSION");
  const absl::StatusOr<std::string> content = ReadSmallFile(file_system, path);
  if (!content.ok() && !absl::IsInvalidArgument(content.status())) return content.status();
  const std::string text = content.value_or("");  // Empty if VERSION is not a file.
  uint32_t version = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, version);
  if (error != std::errc() || version == 0 || std::string_view(stop, end) != "\n") {
    return absl::DataLossError(
        StrCat(path, ": it is damaged; it should hold the number ", kVersion,
               " and a line feed; the server writes a new one once 'freshetd repair ", data_dir,
               "' has moved it away"));
  }
  if (version > kVersion) {
    return absl::FailedPreconditionError(
        StrCat(path, ": a newer freshet wrote this folder (version ", version,
               ", this freshet reads up to ", kVersion, "); start that freshet on it"));
  }
  return version;
}

DataDir::DataDir(FileSystem& file_system, std::string path, std::unique_ptr<FileLock> lock)
    : file_system_(file_system), path_(std::move(path)), lock_(std::move(lock)) {}

absl::StatusOr<std::unique_ptr<DataDir>> DataDir::Open(FileSystem& file_system, std::string path) {
  const std::string context = StrCat("the data folder ", path, " cannot be used");
  absl::Status status = CreateDirs(file_system, path);
  if (status.ok()) status = CheckPrivate(file_system, path);
  if (!status.ok()) return WithContext(context, status);
  absl::StatusOr<std::unique_ptr<FileLock>> lock = file_system.LockFile(StrCat(path, "/LOCK"));
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(
        StrCat("the data folder ", path, " is in use: ", ToStd(lock.status().message()),
               "; stop that server or choose another folder with --data-dir"));
  }
  if (!lock.ok()) return WithContext(context, lock.status());
  std::unique_ptr<DataDir> data_dir(new DataDir(file_system, std::move(path), *std::move(lock)));
  status = data_dir->RaiseVersion();
  if (status.ok()) status = CreateDirs(file_system, data_dir->ModelsDir());
  if (status.ok()) status = CreateDirs(file_system, data_dir->UploadsDir());
  if (status.ok()) status = CheckPrivate(file_system, data_dir->ModelsDir());
  if (status.ok()) status = CheckPrivate(file_system, data_dir->UploadsDir());
  if (status.ok()) status = data_dir->RemoveLeftovers();
  if (status.ok()) status = data_dir->EmptyUploads();
  if (!status.ok()) return WithContext(context, status);
  return data_dir;
}

std::string DataDir::VersionPath() const { return StrCat(path_, "/VERSION"); }

absl::Status DataDir::RaiseVersion() const {
  const absl::StatusOr<uint32_t> version = ReadLayoutVersion(file_system_, path_);
  if (!version.ok() && !absl::IsNotFound(version.status())) return version.status();
  if (version.value_or(0) == kVersion) return absl::OkStatus();
  return WriteFileAtomically(file_system_, VersionPath(), StrCat(kVersion, "\n"));
}

absl::Status DataDir::RemoveLeftovers() const {
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(ModelsDir());
  if (!entries.ok()) return entries.status();
  for (const DirEntry& entry : *entries) {
    if (!entry.is_directory || !IsLeftover(entry.name)) continue;
    absl::Status status = RemoveTree(file_system_, StrCat(ModelsDir(), "/", entry.name));
    if (!status.ok()) return status;
  }
  // Synced even if there were no leftovers: a crash may have come between a rename and its sync.
  if (absl::Status status = file_system_.SyncDir(path_); !status.ok()) return status;
  return file_system_.SyncDir(ModelsDir());
}

absl::Status DataDir::EmptyUploads() const {
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(UploadsDir());
  if (!entries.ok()) return entries.status();
  for (const DirEntry& entry : *entries) {
    if (entry.is_directory) continue;
    absl::Status status = file_system_.Unlink(StrCat(UploadsDir(), "/", entry.name));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string DataDir::UploadsDir() const { return StrCat(path_, "/uploads"); }

std::string DataDir::NewUploadPath() {
  const absl::MutexLock lock(&mu_);
  return StrCat(UploadsDir(), "/", ++upload_count_);
}

std::string DataDir::ModelsDir() const { return StrCat(path_, "/models"); }

std::string DataDir::ModelDir(std::string_view folder) const {
  return StrCat(ModelsDir(), "/", folder);
}

std::string DataDir::LogDir(std::string_view folder) const {
  return StrCat(ModelDir(folder), "/log");
}

std::string DataDir::JoinDir(std::string_view folder) const {
  return StrCat(ModelDir(folder), "/join");
}

std::string DataDir::SnapshotDir(std::string_view folder) const {
  return StrCat(ModelDir(folder), "/snapshots");
}

absl::StatusOr<std::vector<DirEntry>> ListModelEntries(FileSystem& file_system,
                                                       const std::string& data_dir) {
  absl::StatusOr<std::vector<DirEntry>> entries = file_system.ListDir(StrCat(data_dir, "/models"));
  if (!entries.ok()) return entries;
  std::erase_if(*entries,
                [](const DirEntry& entry) { return entry.is_directory && IsLeftover(entry.name); });
  std::sort(entries->begin(), entries->end(),
            [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

absl::Status DataDir::BuildModel(const std::string& folder, std::string_view manifest,
                                 const FillModel& fill) const {
  const std::string log_dir = StrCat(folder, "/log");
  const std::string snapshot_dir = StrCat(folder, "/snapshots");
  absl::Status status = file_system_.CreateDir(folder);
  // The folder was left by a creation that failed.
  if (absl::IsAlreadyExists(status)) {
    status = RemoveTree(file_system_, folder);
    if (status.ok()) status = file_system_.CreateDir(folder);
  }
  if (status.ok()) status = file_system_.CreateDir(log_dir);
  if (status.ok()) status = file_system_.CreateDir(snapshot_dir);
  if (status.ok() && fill != nullptr) status = fill(log_dir, snapshot_dir);
  if (!status.ok()) return status;
  // This syncs the model's folder too.
  return WriteManifestFiles(file_system_, folder, manifest);
}

absl::Status DataDir::CreateModel(std::string_view folder, std::string_view manifest,
                                  const FillModel& fill) {
  const std::string model_dir = ModelDir(folder);
  absl::Status existing = file_system_.FileSize(model_dir).status();
  if (existing.ok()) return absl::AlreadyExistsError(StrCat(model_dir, ": the folder exists"));
  if (!absl::IsNotFound(existing)) return existing;
  if (absl::Status status = RemoveUnwanted(); !status.ok()) return status;
  const std::string new_dir = StrCat(ModelsDir(), "/", kNewPrefix, folder);
  absl::Status status = BuildModel(new_dir, manifest, fill);
  if (status.ok()) status = file_system_.Rename(new_dir, model_dir);
  if (!status.ok()) {
    // What cannot be removed now is removed by the next creation or opening.
    RemoveTree(file_system_, new_dir).IgnoreError();
    return status;
  }
  status = file_system_.SyncDir(ModelsDir());
  if (status.ok()) return status;
  // After the failed sync the folder may or may not survive a crash, so it is discarded.
  DiscardModel(folder);
  return status;
}

std::string DataDir::TrashPath(std::string_view folder) const {
  return StrCat(ModelsDir(), "/", kTrashPrefix, folder);
}

absl::Status DataDir::DeleteModel(std::string_view folder) {
  const std::string trash = TrashPath(folder);
  absl::Status status = file_system_.Rename(ModelDir(folder), trash);
  if (absl::IsNotFound(status)) {
    // An earlier call may have got this far.
    status = file_system_.FileSize(trash).status();
    if (absl::IsNotFound(status)) {
      return absl::NotFoundError(StrCat(ModelDir(folder), ": there is no such folder"));
    }
  }
  if (!status.ok()) return status;
  status = file_system_.SyncDir(ModelsDir());
  const absl::MutexLock lock(&mu_);
  if (status.ok()) {
    moved_.erase(std::string(folder));
  } else {
    moved_.emplace(folder);
  }
  return status;
}

absl::Status DataDir::RemoveDeleted(std::string_view folder) {
  return RemoveTree(file_system_, TrashPath(folder));
}

absl::Status DataDir::UndoDelete(std::string_view folder) {
  {
    const absl::MutexLock lock(&mu_);
    if (!moved_.contains(folder)) return absl::OkStatus();
  }
  absl::Status status = file_system_.Rename(TrashPath(folder), ModelDir(folder));
  // An earlier call may have got this far.
  if (status.ok() || absl::IsNotFound(status)) status = file_system_.SyncDir(ModelsDir());
  if (!status.ok()) return status;
  const absl::MutexLock lock(&mu_);
  moved_.erase(std::string(folder));
  return absl::OkStatus();
}

void DataDir::DiscardModel(std::string_view folder) {
  if (DeleteModel(folder).ok()) {
    RemoveDeleted(folder).IgnoreError();
    return;
  }
  const absl::MutexLock lock(&mu_);
  unwanted_.emplace(folder);
}

absl::Status DataDir::RemoveUnwanted() {
  std::set<std::string> unwanted;
  {
    const absl::MutexLock lock(&mu_);
    unwanted = unwanted_;
  }
  for (const std::string& folder : unwanted) {
    absl::Status status = DeleteModel(folder);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    RemoveDeleted(folder).IgnoreError();
    const absl::MutexLock lock(&mu_);
    unwanted_.erase(folder);
  }
  return absl::OkStatus();
}

absl::Status DataDir::WriteManifest(std::string_view folder, std::string_view manifest) {
  return WriteManifestFiles(file_system_, ModelDir(folder), manifest);
}

}  // namespace freshet
