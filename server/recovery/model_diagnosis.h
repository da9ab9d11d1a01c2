// What is wrong with the files of a model, and how to bring it up at the least cost. A start that
// fails, `freshetd check` and `freshetd repair` all use this diagnosis, so they cannot disagree.
//
//   const auto diagnosis = DiagnoseModel(PosixFileSystem(), "data/models/ctr-00c0ffee00c0ffee");
//   if (diagnosis.ok() && diagnosis->hinders()) std::cerr << diagnosis->Explain();

#ifndef FRESHET_SERVER_RECOVERY_MODEL_DIAGNOSIS_H_
#define FRESHET_SERVER_RECOVERY_MODEL_DIAGNOSIS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "server/file/file_system.h"

namespace freshet {

// One thing that is wrong.
struct Finding {
  std::string what;      // Names the file and the byte, and says why it is wrong.
  bool hinders = false;  // Whether the model cannot be recovered before this is repaired.
  std::string advice;    // What to do about it.
};

// One step of a repair.
struct RepairStep {
  enum class Kind {
    kMoveAway,       // Moves `path` to the folder of removed files.
    kRename,         // Gives the file `path` its name `to`.
    kWriteManifest,  // Writes the manifest anew, from ModelDiagnosis::spec.
    kTruncateLog,    // Removes the record at `offset` and all records after it.
    kBeginLogAnew,   // Replaces the log by an empty one that begins at `offset`.
    kMoveFolder,     // Gives the model's folder its name `to`.
    kRemoveModel,    // Moves the model's folder out of the data folder.
  };
  Kind kind{};
  std::string path;
  std::string to;
  uint64_t offset = 0;
};

struct ModelDiagnosis {
  std::string dir;   // The model's folder.
  std::string name;  // models/ctr; the folder's name if nothing tells the model's.
  // What the model is; absent if neither the manifest nor its copy nor a snapshot can be read.
  std::optional<v1::Model> spec;
  // Each damaged or misplaced file is named in one finding. Those that hinder come first.
  std::vector<Finding> findings;
  // What brings the model up at the least cost, in order; empty if there is nothing to do.
  std::vector<RepairStep> steps;

  // The offset of the state that recovery begins from after the steps; 0: the empty state.
  uint64_t starts_from = 0;
  // The offset that the model is recovered to after the steps.
  uint64_t goes_on_at = 0;
  // The number of acknowledged records that the steps give up, as far as the files tell. If
  // `more_may_be_lost`, there may have been more, which left no trace.
  uint64_t lost_count = 0;
  bool more_may_be_lost = false;
  // The first file that the steps give up and that could be put back from a copy; empty: none.
  std::string wanted_copy;

  // Shown to people; nothing is decided by these.
  uint64_t log_begin = 0;
  uint64_t log_end = 0;
  size_t segment_count = 0;
  uint64_t log_bytes = 0;
  uint64_t torn_bytes = 0;
  size_t good_snapshot_count = 0;
  size_t imported_snapshot_count = 0;
  std::vector<std::string> notes;

  // Whether the model cannot be recovered as it is.
  bool hinders() const;
  // Whether the steps give up acknowledged records, or may do so.
  bool loses() const;
  // What the steps give up, in words. REQUIRES: loses().
  std::string DescribeLoss() const;
  // The offset at which the steps cut the log off; absent if they do not.
  std::optional<uint64_t> truncates_at() const;
  // The shell command that carries out the steps, without quotes around it.
  std::string Command() const;
  // The way out that costs least, as part of a sentence; empty if there is nothing to do.
  std::string WayOut() const;
  // Why the model cannot be recovered, and the way out. REQUIRES: hinders().
  std::string Explain() const;
};

// Diagnoses the model in the folder `dir`, which no server may be using. Reads every byte and
// changes nothing. Damage is no error: the result says what it is. FAILED_PRECONDITION if a newer
// version wrote the files; the file system's error if they cannot be read at all.
absl::StatusOr<ModelDiagnosis> DiagnoseModel(FileSystem& file_system, const std::string& dir);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_MODEL_DIAGNOSIS_H_
