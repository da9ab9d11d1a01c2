// Reads all of a model's snapshots and says which can be used.

#ifndef FRESHET_SERVER_RECOVERY_SNAPSHOT_REVIEW_H_
#define FRESHET_SERVER_RECOVERY_SNAPSHOT_REVIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/snapshot_file.pb.h"
#include "server/file/file_system.h"
#include "server/record/record.h"

namespace freshet {

// A file of the folder of snapshots.
struct ReviewedSnapshot {
  std::string path;
  std::string id;  // The one that it has, or that it should have.
  // What it says about itself; none where that cannot be read.
  std::optional<v1::SnapshotFileHeader> header;
  // OK: it can be used, once it has its name. DATA_LOSS or FAILED_PRECONDITION: why it cannot be.
  absl::Status problem;
  // The name that it lost; empty: it has its name.
  std::string renamed_to;
};

struct SnapshotReview {
  // Whether snapshots that lost their names are taken for ones that can be used.
  enum class Names { kAsTheyAre, kMended };

  // Oldest first, as SnapshotStore::List(); those that cannot be used among them, where their
  // headers cannot be read at the end.
  std::vector<ReviewedSnapshot> snapshots;

  // The newest that recovery can begin from, of those that have their names, or of all; null: there
  // is none.
  const ReviewedSnapshot* Newest(Names names) const;

  // Why a record cannot restore this snapshot, in words that follow "which"; OK: it can.
  absl::Status CheckRestore(const RestoreRecord& restore, Names names) const;

  // How far the model had come, as far as headers tell.
  uint64_t known_offset() const;
};

// Reads every snapshot in the folder `dir` of the model `spec`, and loads those that recovery may
// begin from until one of them holds. Changes nothing. A folder that is missing holds none. The
// file system's error where the folder cannot be read; RESOURCE_EXHAUSTED where there is no memory
// for a state.
absl::StatusOr<SnapshotReview> ReviewSnapshots(FileSystem& file_system, const std::string& dir,
                                               const v1::Model& spec);

// Whether a snapshot that cannot be used may be of a later offset than the newest that can be,
// whose header is null where there is none. A model without a log then has lost what came between.
bool MayBeNewer(FileSystem& file_system, const std::string& path, std::string_view id,
                const v1::Model& spec, const v1::SnapshotFileHeader* newest);

// Whether all that a snapshot includes was on disk in the log when it was taken.
bool WasDurable(const std::optional<v1::SnapshotFileHeader>& header);

// The offset of a snapshot that recovery may begin from; none for one that was imported.
std::optional<uint64_t> StartOffsetOf(const v1::SnapshotFileHeader& header);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_SNAPSHOT_REVIEW_H_
