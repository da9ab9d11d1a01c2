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

// A file in a model's folder of snapshots.
struct ReviewedSnapshot {
  std::string path;
  std::string id;  // By the file's name or, if the file lost its name, by its header.
  // Absent if it cannot be read, or is that of another model's snapshot.
  std::optional<v1::SnapshotFileHeader> header;
  // OK if the snapshot can be used once the file has its name; DATA_LOSS or FAILED_PRECONDITION
  // says why it cannot.
  absl::Status problem;
  // The path that the file should have; empty if that is its path.
  std::string renamed_to;
};

struct SnapshotReview {
  // Whether snapshots whose files lost their names count as usable.
  enum class Names { kAsTheyAre, kMended };

  // Oldest first, as in SnapshotStore::List(), including those that cannot be used. Those whose
  // headers cannot be read come last.
  std::vector<ReviewedSnapshot> snapshots;

  // The newest usable snapshot that recovery can begin from; null if there is none.
  const ReviewedSnapshot* Newest(Names names) const;

  // OK if replay can carry out `restore`; otherwise DATA_LOSS, whose message continues a sentence
  // about the snapshot after "which".
  absl::Status CheckRestore(const RestoreRecord& restore, Names names) const;

  // The highest offset that the model is known to have reached, by the snapshots' headers.
  uint64_t known_offset() const;
};

// Reads every snapshot in the folder `dir` of the model `spec`. Loads the states of those that
// recovery may begin from, the newest first, until one can be loaded. Changes nothing. A missing
// folder counts as empty. Fails with the file system's error if the folder cannot be read, and with
// RESOURCE_EXHAUSTED if there is no memory for a state.
absl::StatusOr<SnapshotReview> ReviewSnapshots(FileSystem& file_system, const std::string& dir,
                                               const v1::Model& spec);

// Whether the unusable snapshot `id` in the file `path` may be of a later offset than the newest
// usable one, whose header is `newest` (null: there is none). A model without a log has then lost
// what it learned in between.
bool MayBeNewer(FileSystem& file_system, const std::string& path, std::string_view id,
                const v1::Model& spec, const v1::SnapshotFileHeader* newest);

// Whether all records that a snapshot includes were on disk in the log when it was taken.
bool WasDurable(const std::optional<v1::SnapshotFileHeader>& header);

// The offset of the snapshot if recovery may begin from it; none if it was imported.
std::optional<uint64_t> StartOffsetOf(const v1::SnapshotFileHeader& header);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_SNAPSHOT_REVIEW_H_
