// What is wrong with the files of a model, and the ways out, the least costly first. A start that
// fails, `freshetd check` and `freshetd repair` all ask this, so that they cannot disagree.
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
  bool hinders = false;  // Whether the model cannot be recovered as long as it is so.
  std::string advice;    // What to do about it.
};

// One thing that a repair does.
struct RepairStep {
  enum class Kind {
    kMoveAway,       // Moves `path` to where removed files are kept.
    kRename,         // Gives the file `path` its name `to`.
    kWriteManifest,  // Writes the manifest of `spec`.
    kTruncateLog,    // Removes the record at `offset` and all that follows.
    kBeginLogAnew,   // Begins the log anew, empty, at `offset`.
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
  std::string name;  // models/ctr, or the folder where its manifest cannot be had.
  // Absent where no manifest can be had.
  std::optional<v1::Model> spec;
  // A file that is damaged or misplaced is in one finding, those that hinder first.
  std::vector<Finding> findings;
  // What brings the model up at the least cost, in order. Empty: there is nothing to do.
  std::vector<RepairStep> steps;

  // What recovery begins from, where all is as it should be; 0: the empty state.
  uint64_t starts_from = 0;
  // The offset that the model comes back at, after the steps.
  uint64_t goes_on_at = 0;
  // Acknowledged records that the steps give up. Where `more_may_be_lost` there may be more of
  // them, of which no trace is left.
  uint64_t lost_count = 0;
  bool more_may_be_lost = false;
  // Which files the steps give up that a copy would bring back.
  std::string wanted_copy;

  // For people.
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
  // Whether the steps give up records, or may.
  bool loses() const;
  // What the steps give up, in words. REQUIRES: loses().
  std::string DescribeLoss() const;
  // Where the steps cut the log off.
  std::optional<uint64_t> truncates_at() const;
  // The command that carries out the steps, without quotes.
  std::string Command() const;
  // The one way out that costs least, in a sentence; empty where there is nothing to do.
  std::string WayOut() const;
  // Why the model cannot be recovered, and the way out. REQUIRES: hinders().
  std::string Explain() const;
};

// Looks at a model that no server uses, `dir` being its folder: reads every byte, changes nothing.
// An error only where the files cannot be looked at, or where a newer version wrote them
// (FAILED_PRECONDITION).
absl::StatusOr<ModelDiagnosis> DiagnoseModel(FileSystem& file_system, const std::string& dir);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_MODEL_DIAGNOSIS_H_
