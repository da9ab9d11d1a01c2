#include "server/command_check.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "core/base/str_cat.h"
#include "server/file/removed_files.h"
#include "server/file/small_file.h"
#include "server/recovery/data_dir_diagnosis.h"
#include "server/recovery/model_diagnosis.h"
#include "server/recovery/model_repair.h"

namespace freshet {
namespace {

// The folder that a command works on.
struct Target {
  std::unique_ptr<FileLock> lock;  // Null if no server ever used the folder.
  std::string data_dir;            // Empty if the path is that of a model's folder.
  DataDirDiagnosis folder;
};

std::string Count(size_t count, std::string_view what) {
  return StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string WithoutTrailingSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool Exists(FileSystem& file_system, const std::string& path) {
  return file_system.FileSize(path).ok();
}

// Locks servers out of the data folder, even if somebody removed the lock file or put a folder in
// its place. A copy of a data folder may have no lock file, and none is created.
absl::StatusOr<std::unique_ptr<FileLock>> Lock(FileSystem& file_system,
                                               const std::string& data_dir) {
  const std::string path = StrCat(data_dir, "/LOCK");
  const bool is_file = Exists(file_system, path) && !file_system.ListDir(path).ok();
  absl::StatusOr<std::unique_ptr<FileLock>> lock =
      is_file ? file_system.LockFile(path) : file_system.LockFolder(data_dir);
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(StrCat("the data folder ", data_dir,
                                                " is in use: ", ToStd(lock.status().message()),
                                                "; stop that server first"));
  }
  return lock;
}

// Whether the folder looks like that of a model, even a damaged one.
bool IsModelDir(FileSystem& file_system, const std::string& path) {
  return Exists(file_system, StrCat(path, "/MODEL")) || Exists(file_system, StrCat(path, "/log")) ||
         Exists(file_system, StrCat(path, "/snapshots"));
}

absl::StatusOr<Target> FindTarget(FileSystem& file_system, const std::string& path) {
  Target target;
  const bool is_model = IsModelDir(file_system, path);
  absl::StatusOr<std::unique_ptr<FileLock>> lock =
      Lock(file_system, is_model ? StrCat(path, "/../..") : path);
  if (!lock.ok()) return lock.status();
  target.lock = *std::move(lock);
  if (is_model) {
    target.folder.model_dirs.push_back(path);
    return target;
  }
  absl::StatusOr<DataDirDiagnosis> folder = DiagnoseDataDir(file_system, path);
  if (absl::IsFailedPrecondition(folder.status())) return folder.status();
  if (!folder.ok()) {
    return absl::NotFoundError(StrCat(path, " is neither a data folder nor the folder of a model",
                                      " in one: ", ToStd(folder.status().message())));
  }
  target.data_dir = path;
  target.folder = *std::move(folder);
  return target;
}

void PrintFindings(const std::vector<Finding>& findings, std::ostream& out) {
  for (const Finding& finding : findings) {
    out << "  " << finding.what << ": " << finding.advice << '\n';
  }
}

std::string Verdict(const ModelDiagnosis& diagnosis) {
  if (diagnosis.findings.empty()) return "good";
  if (diagnosis.hinders()) return "DAMAGED: it cannot be recovered as it is";
  return "it can be recovered as it is, but parts that recovery does not need are DAMAGED";
}

void PrintModel(const ModelDiagnosis& diagnosis, std::ostream& out) {
  out << diagnosis.dir << ": " << diagnosis.name << ": " << Verdict(diagnosis) << '\n';
  if (diagnosis.segment_count > 0) {
    out << "  log of offsets " << diagnosis.log_begin << " to " << diagnosis.log_end << ", "
        << Count(diagnosis.segment_count, "segment") << ", " << diagnosis.log_bytes << " bytes\n";
  }
  out << "  " << Count(diagnosis.good_snapshot_count, "good snapshot");
  if (diagnosis.imported_snapshot_count > 0) {
    out << " (" << diagnosis.imported_snapshot_count << " imported)";
  }
  out << "; recovery begins ";
  if (diagnosis.starts_from > 0) {
    out << "from the snapshot at offset " << diagnosis.starts_from << '\n';
  } else {
    out << "from the empty state\n";
  }
  if (diagnosis.torn_bytes > 0) {
    out << "  the last " << diagnosis.torn_bytes
        << " bytes are an interrupted write, which the server cuts off by itself\n";
  }
  PrintFindings(diagnosis.findings, out);
  for (const std::string& note : diagnosis.notes) out << "  " << note << '\n';
  if (diagnosis.hinders()) out << "  way out: " << diagnosis.WayOut() << '\n';
}

// Repairs one model, or writes to `out` why not. Returns whether the model is good afterwards.
absl::StatusOr<bool> RepairOne(FileSystem& file_system, const RepairRequest& request,
                               ModelDiagnosis diagnosis, bool only_one, std::ostream& out) {
  if (request.truncate_at.has_value()) {
    absl::Status status = TruncateAt(*request.truncate_at, diagnosis);
    if (!status.ok()) return status;
  }
  if (diagnosis.steps.empty()) {
    out << diagnosis.dir << ": there is nothing to repair\n";
    return true;
  }
  if (diagnosis.loses() && !only_one) {
    out << diagnosis.dir
        << ": left alone, since its repair loses records; way out: " << diagnosis.WayOut() << '\n';
    return false;
  }
  out << diagnosis.dir << ": " << diagnosis.name << ": this repair will\n";
  for (const std::string& line : DescribeSteps(diagnosis)) out << "  " << line << '\n';
  if (diagnosis.loses()) {
    out << "  the model then goes on at offset " << diagnosis.goes_on_at << ", without "
        << diagnosis.DescribeLoss() << '\n';
  }
  out.flush();
  if (request.confirm) {
    if (absl::Status status = request.confirm(); !status.ok()) return status;
  }
  const absl::StatusOr<std::vector<std::string>> kept =
      RepairModel(file_system, diagnosis, absl::Now());
  if (!kept.ok()) return kept.status();
  for (const std::string& folder : *kept) out << "what was removed is kept in " << folder << '\n';
  return true;
}

// Moves damaged or misplaced entries of the data folder, other than models, to the folder for
// removed files.
absl::Status RepairDataDir(FileSystem& file_system, const Target& target, std::ostream& out) {
  if (target.folder.moves.empty()) return absl::OkStatus();
  RemovedFiles removed(file_system, target.data_dir, absl::Now());
  for (const std::string& path : target.folder.moves) {
    if (absl::Status status = removed.Move(path); !status.ok()) return status;
    out << "moved " << path << " to " << removed.folder() << '\n';
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> RunCheck(FileSystem& file_system, const std::string& path, std::ostream& out) {
  const absl::StatusOr<Target> target = FindTarget(file_system, WithoutTrailingSlashes(path));
  if (!target.ok()) return target.status();
  bool good = target->folder.findings.empty();
  if (!good) {
    out << target->data_dir << ": DAMAGED\n";
    PrintFindings(target->folder.findings, out);
  }
  for (const std::string& model_dir : target->folder.model_dirs) {
    const absl::StatusOr<ModelDiagnosis> diagnosis = DiagnoseModel(file_system, model_dir);
    if (!diagnosis.ok()) return diagnosis.status();
    PrintModel(*diagnosis, out);
    good &= diagnosis->findings.empty();
  }
  if (target->folder.model_dirs.empty()) out << path << ": no models\n";
  return good;
}

absl::StatusOr<bool> RunRepair(FileSystem& file_system, const RepairRequest& request,
                               std::ostream& out) {
  const std::string path = WithoutTrailingSlashes(request.path);
  const absl::StatusOr<Target> target = FindTarget(file_system, path);
  if (!target.ok()) return target.status();
  const std::vector<std::string>& model_dirs = target->folder.model_dirs;
  const bool only_one = model_dirs.size() == 1;
  if (request.truncate_at.has_value() && !only_one) {
    return absl::InvalidArgumentError(StrCat(path, " has ", Count(model_dirs.size(), "model"),
                                             "; name the folder of one, such as ", path,
                                             "/models/ctr"));
  }
  if (absl::Status status = RepairDataDir(file_system, *target, out); !status.ok()) return status;
  bool good = true;
  for (const std::string& model_dir : model_dirs) {
    absl::StatusOr<ModelDiagnosis> diagnosis = DiagnoseModel(file_system, model_dir);
    if (!diagnosis.ok()) return diagnosis.status();
    const absl::StatusOr<bool> repaired =
        RepairOne(file_system, request, *std::move(diagnosis), only_one, out);
    if (!repaired.ok()) return repaired.status();
    good &= *repaired;
  }
  return good;
}

}  // namespace freshet
