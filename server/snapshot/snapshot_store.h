// A model's snapshots on disk: one file each, as described in server/snapshot/FORMAT.md.

#ifndef FRESHET_SERVER_SNAPSHOT_SNAPSHOT_STORE_H_
#define FRESHET_SERVER_SNAPSHOT_SNAPSHOT_STORE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/snapshot_file.pb.h"
#include "server/file/file_system.h"
#include "server/snapshot/snapshot_file.h"

namespace freshet {

// The name of a snapshot's file is the snapshot's id and this.
inline constexpr std::string_view kSnapshotSuffix = ".snapshot";

// A snapshot file that cannot be used.
struct DamagedSnapshot {
  std::string id;
  std::string path;
  // DATA_LOSS, or FAILED_PRECONDITION if a newer version wrote it.
  absl::Status reason;
};

// DATA_LOSS unless the snapshot in the file `path` is of the model with this name and uid.
absl::Status CheckOwner(const std::string& path, const v1::SnapshotFileHeader& header,
                        std::string_view model_name, std::string_view model_uid);

// Thread-safe. Holds no lock while it reads or writes files, so a long Write() does not delay
// others.
class SnapshotStore {
 public:
  // Opens or creates the folder `dir` for the snapshots of `model`, of which only name and uid are
  // used. Removes what interrupted writes left, and reads the headers (not the states) of all
  // snapshots; those of another model count as damaged. Keeps a reference to `file_system`.
  static absl::StatusOr<std::unique_ptr<SnapshotStore>> Open(FileSystem& file_system,
                                                             std::string dir,
                                                             const v1::Model& model);
  SnapshotStore(const SnapshotStore&) = delete;
  SnapshotStore& operator=(const SnapshotStore&) = delete;

  // Writes a snapshot, whole and durably or not at all. The state is the concatenation of
  // `payload`; the id is the last part of header.snapshot().name(). Returns the header with the
  // size and the file's checksum filled in. INVALID_ARGUMENT for a bad id; ALREADY_EXISTS if the id
  // is taken, also by a damaged file or by a write that is under way. REQUIRES: header.model() is
  // the model whose snapshots these are.
  absl::StatusOr<v1::SnapshotFileHeader> Write(v1::SnapshotFileHeader header,
                                               std::span<const ByteSpan> payload);

  // All good snapshots, oldest first: by offset, then by create time, then by id.
  std::vector<v1::SnapshotFileHeader> List() const;

  // The header of a snapshot. NOT_FOUND if there is none; if it is damaged, the reason.
  absl::StatusOr<v1::SnapshotFileHeader> Get(std::string_view id) const;

  // Reads a snapshot and verifies every byte of it. NOT_FOUND if there is none; DATA_LOSS, with the
  // file and the reason, if it is damaged, and the snapshot is listed as damaged from then on;
  // RESOURCE_EXHAUSTED if there is no memory for it.
  absl::StatusOr<LoadedSnapshot> Load(std::string_view id);

  // Verifies every byte of a snapshot's file and opens it. The file can be read to its end even if
  // the snapshot is deleted meanwhile. Errors as Load().
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenVerified(std::string_view id);

  // Deletes a snapshot, damaged or not. NOT_FOUND if there is none. A Load() under way goes on.
  absl::Status Delete(std::string_view id);

  // The files that cannot be used.
  std::vector<DamagedSnapshot> damaged() const;

  // The path of a snapshot's file, whether or not it exists.
  std::string PathOf(std::string_view id) const;

 private:
  SnapshotStore(FileSystem& file_system, std::string dir, const v1::Model& model);

  absl::Status ReadFolder();
  // DATA_LOSS unless `header`, read from the file of the snapshot `id`, is that snapshot's.
  absl::Status CheckHeader(const v1::SnapshotFileHeader& header, std::string_view id) const;
  absl::StatusOr<v1::SnapshotFileHeader> WriteDurably(const std::string& id,
                                                      v1::SnapshotFileHeader header,
                                                      std::span<const ByteSpan> payload);

  FileSystem& file_system_;
  const std::string dir_;
  const std::string model_name_;
  const std::string model_uid_;

  mutable absl::Mutex mu_;
  std::map<std::string, v1::SnapshotFileHeader> good_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, DamagedSnapshot> damaged_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> being_written_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SNAPSHOT_SNAPSHOT_STORE_H_
