// Reads a model's log as a recovery would, and says how far the recovery would get.

#ifndef FRESHET_SERVER_RECOVERY_LOG_REVIEW_H_
#define FRESHET_SERVER_RECOVERY_LOG_REVIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "server/file/file_system.h"
#include "server/log/log_check.h"
#include "server/recovery/snapshot_review.h"

namespace freshet {

// A record that restores a snapshot which is missing or cannot be used.
struct LostRestore {
  uint64_t offset = 0;  // Of the record.
  std::string snapshot_id;
  std::string problem;  // Words that follow "which".
};

// What a recovery from the newest usable snapshot and the log comes to.
struct LogReview {
  // The offset of the state that recovery begins from; 0: the empty state.
  uint64_t needed_from = 0;
  LogCheckReport report;
  std::string absent;     // Why there is no log at all; empty: there is one.
  std::string unreached;  // Why the log does not go on from the state; empty: it does.
  std::vector<LostRestore> lost_restores;

  // Whether recovery fails.
  bool hinders() const;

  // The offset that recovery gets to before it fails. kNoEnd if no record is damaged and only a
  // file that does not belong there keeps the log from being opened. REQUIRES: hinders().
  uint64_t comes_to() const;
};

// Examines the log of one model that no server uses. Changes nothing. Not thread-safe.
//
//   const LogReviewer reviewer(files, StrCat(dir, "/log"), /*is_file=*/false, spec, snapshots);
//   const auto review = reviewer.Review(SnapshotReview::Names::kAsTheyAre, {});
class LogReviewer {
 public:
  // `dir` is the log's folder; `is_file` says that a file is there instead. Keeps references to
  // `file_system`, `spec` and `snapshots`.
  LogReviewer(FileSystem& file_system, std::string dir, bool is_file, const v1::Model& spec,
              const SnapshotReview& snapshots);

  // Reads every record. Takes snapshots under the names of `names`, and segments as if they were
  // where `moved` puts them. Errors as CheckLog(), except that a missing folder is no error.
  absl::StatusOr<LogReview> Review(SnapshotReview::Names names, const MovedSegments& moved) const;

  // Finds segments that have a wrong name and are missing from their places, with the first offsets
  // that their headers give; and files without an offset that are in such a place and are not the
  // segment. If recovery fails without them (`hinders`), also takes segments whose present names
  // are not those of segments, even if no other header refers to them. Errors as SurveyLog(),
  // except that a missing folder is no error.
  absl::StatusOr<MovedSegments> FindMisplaced(bool hinders) const;

 private:
  FileSystem& file_system_;
  const std::string dir_;
  const bool is_file_;
  const v1::Model& spec_;
  const SnapshotReview& snapshots_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_LOG_REVIEW_H_
