// The data folder: who uses it, which version wrote it, and where each model's files are.
//
//   LOCK                     held by the server that uses the folder; its process id
//   VERSION                  the version of this layout, a decimal number and a line feed
//   models/<folder>/MODEL    the manifest of a model, opaque here; for <folder> see model_folder.h
//   models/<folder>/MODEL.copy  a copy of it
//   models/<folder>/removed/ what a repair took away; nobody reads it
//   models/<folder>/log/     see server/log/FORMAT.md
//   models/<folder>/snapshots/  see server/snapshot/FORMAT.md
//   models/.new-<folder>     a model that is being created; removed when the data folder is opened
//   models/.trash-<folder>   a model that was deleted; removed when the data folder is opened
//   removed/                 models that a repair took away; nobody reads it
//   uploads/<n>              a file that a client is sending; removed when the data folder is
//   opened
//
// Version 1 of the layout has no uids in the names of models' folders; version 2 has; version 3 has
// records that say when they were sequenced, and snapshots made of parts. A folder of an older
// version is read and gone on with. A server that opens it makes it version 3, which older servers
// refuse: they would take the newer records for damage.

#ifndef FRESHET_SERVER_FILE_DATA_DIR_H_
#define FRESHET_SERVER_FILE_DATA_DIR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/file/file_system.h"

namespace freshet {

// The layout version in the file VERSION of a data folder. NOT_FOUND if there is no such file;
// DATA_LOSS if it is damaged; FAILED_PRECONDITION if a newer version wrote it.
absl::StatusOr<uint32_t> ReadLayoutVersion(FileSystem& file_system, const std::string& data_dir);

// Thread-safe, except that calls which create or delete the same model must not run at the same
// time.
class DataDir {
 public:
  // Opens the folder at `path`, creating it (mode 0700, and any parents) if it does not exist,
  // locks it, and removes what interrupted creations and deletions left. FAILED_PRECONDITION if
  // another process uses it or a newer version wrote it; PERMISSION_DENIED if it cannot be written;
  // INVALID_ARGUMENT if everyone may write to it. Keeps a reference to `file_system`.
  static absl::StatusOr<std::unique_ptr<DataDir>> Open(FileSystem& file_system, std::string path);

  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  // Puts files into the log and snapshot folders of a model that is being created, and makes them
  // durable.
  using FillModel =
      std::function<absl::Status(const std::string& log_dir, const std::string& snapshot_dir)>;

  // Creates a model's folder with its manifest and its log and snapshot folders, empty or as `fill`
  // fills them: all of it, durably, or nothing. ALREADY_EXISTS if the folder exists; the error of
  // `fill` if that fails.
  // REQUIRES: ParseModelFolderName(folder).
  absl::Status CreateModel(std::string_view folder, std::string_view manifest,
                           const FillModel& fill = nullptr);

  // Deletes a model's folder durably: once this returns OK, opening the data folder never finds it
  // again. After an error it is uncertain whether the folder is still there, until UndoDelete() or
  // another DeleteModel() returns OK.
  absl::Status DeleteModel(std::string_view folder);

  // Frees the disk space of a deleted folder. If that fails, the rest is removed when the data
  // folder is next opened.
  absl::Status RemoveDeleted(std::string_view folder);

  // Undoes a DeleteModel() that failed: once this returns OK, the folder is durably back in its
  // place. Touches the disk only if the folder was moved.
  absl::Status UndoDelete(std::string_view folder);

  // Deletes the folder of a model whose creation was never reported to anybody. If that fails, the
  // next CreateModel() tries again first.
  void DiscardModel(std::string_view folder);

  // Replaces a model's manifest, whole or not at all.
  absl::Status WriteManifest(std::string_view folder, std::string_view manifest);

  // A new path for an uploaded file until it is used or dropped. No file exists there yet; the
  // caller removes the file.
  std::string NewUploadPath();

  std::string ModelDir(std::string_view folder) const;
  std::string LogDir(std::string_view folder) const;
  std::string SnapshotDir(std::string_view folder) const;
  // Of the model's table of events; there is none before the model takes events.
  std::string JoinDir(std::string_view folder) const;

  FileSystem& file_system() const { return file_system_; }
  const std::string& path() const { return path_; }

 private:
  DataDir(FileSystem& file_system, std::string path, std::unique_ptr<FileLock> lock);

  // Makes this the newest version of the layout. Errors as ReadLayoutVersion(), or where the file
  // cannot be written.
  absl::Status RaiseVersion() const;
  absl::Status RemoveLeftovers() const;
  absl::Status EmptyUploads() const;
  absl::Status BuildModel(const std::string& folder, std::string_view manifest,
                          const FillModel& fill) const;
  std::string ModelsDir() const;
  std::string UploadsDir() const;
  std::string VersionPath() const;
  std::string TrashPath(std::string_view folder) const;
  absl::Status RemoveUnwanted() ABSL_LOCKS_EXCLUDED(mu_);

  FileSystem& file_system_;
  const std::string path_;
  const std::unique_ptr<FileLock> lock_;

  absl::Mutex mu_;
  std::set<std::string> unwanted_ ABSL_GUARDED_BY(mu_);  // Folders still to be discarded.
  // Folders that were renamed for a deletion whose sync failed.
  std::set<std::string, std::less<>> moved_ ABSL_GUARDED_BY(mu_);
  uint64_t upload_count_ ABSL_GUARDED_BY(mu_) = 0;
};

// The entries of the `models` folder in a data folder, sorted by name, without leftovers of
// interrupted creations and deletions.
absl::StatusOr<std::vector<DirEntry>> ListModelEntries(FileSystem& file_system,
                                                       const std::string& data_dir);

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_DATA_DIR_H_
