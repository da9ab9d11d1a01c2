#include "server/recovery/model_repair.h"

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/removed_files.h"
#include "server/file/small_file.h"
#include "server/log/log_check.h"
#include "server/model/model_manifest.h"

namespace freshet {
namespace {

using Kind = RepairStep::Kind;

// Files are renamed in two steps, first to a name with this suffix, so that two can swap names.
constexpr std::string_view kMovingSuffix = ".moving";

class Repairer {
 public:
  Repairer(FileSystem& file_system, const ModelDiagnosis& diagnosis, absl::Time now)
      : file_system_(file_system),
        diagnosis_(diagnosis),
        removed_(file_system, diagnosis.dir, now),
        now_(now) {}

  absl::StatusOr<std::vector<std::string>> Run() {
    const bool renames =
        std::any_of(diagnosis_.steps.begin(), diagnosis_.steps.end(),
                    [](const RepairStep& step) { return step.kind == Kind::kRename; });
    bool renamed = !renames;
    for (const RepairStep& step : diagnosis_.steps) {
      // All renames come together, after the steps that move files out of the way of the new names.
      if (step.kind >= Kind::kRename && !renamed) {
        renamed = true;
        if (absl::Status status = RenameAll(); !status.ok()) return status;
      }
      if (absl::Status status = CarryOut(step); !status.ok()) return status;
    }
    std::vector<std::string> folders;
    if (file_system_.FileSize(removed_.folder()).ok()) folders.push_back(removed_.folder());
    if (!removed_model_.empty()) folders.push_back(removed_model_);
    return folders;
  }

 private:
  absl::Status RenameAll() {
    for (const bool arrive : {false, true}) {
      for (const RepairStep& step : diagnosis_.steps) {
        if (step.kind != Kind::kRename) continue;
        const std::string between = StrCat(step.to, kMovingSuffix);
        absl::Status status = arrive ? file_system_.Rename(between, step.to)
                                     : file_system_.Rename(step.path, between);
        if (status.ok()) status = file_system_.SyncDir(ParentFolder(step.to));
        if (!status.ok()) return status;
      }
    }
    return absl::OkStatus();
  }

  absl::Status CarryOut(const RepairStep& step) {
    switch (step.kind) {
      case Kind::kMoveAway:
        return removed_.Move(step.path);
      case Kind::kRename:
        return absl::OkStatus();  // See RenameAll().
      case Kind::kWriteManifest:
        return WriteManifestFiles(file_system_, diagnosis_.dir, FormatManifest(*diagnosis_.spec));
      case Kind::kTruncateLog:
        return TruncateLog(file_system_, step.path, UidOf(*diagnosis_.spec), diagnosis_.starts_from,
                           step.offset, removed_)
            .status();
      case Kind::kBeginLogAnew:
        return BeginLogAnew(file_system_, step.path, UidOf(*diagnosis_.spec), step.offset,
                            removed_);
      case Kind::kMoveFolder:
        return MoveFolder(step);
      case Kind::kRemoveModel:
        return RemoveModel(step.path);
    }
    return absl::InternalError("the diagnosis has a step of an unknown kind");
  }

  absl::Status MoveFolder(const RepairStep& step) {
    absl::Status status = file_system_.Rename(step.path, step.to);
    if (status.ok()) status = file_system_.SyncDir(ParentFolder(step.to));
    return status;
  }

  // Moves the model's folder out of `models`, to the removed files of the data folder.
  absl::Status RemoveModel(const std::string& path) {
    RemovedFiles removed(file_system_, ParentFolder(ParentFolder(path)), now_);
    removed_model_ = removed.folder();
    return removed.Move(path);
  }

  FileSystem& file_system_;
  const ModelDiagnosis& diagnosis_;
  RemovedFiles removed_;
  const absl::Time now_;
  std::string removed_model_;
};

}  // namespace

absl::Status TruncateAt(uint64_t offset, ModelDiagnosis& diagnosis) {
  const auto step =
      std::find_if(diagnosis.steps.begin(), diagnosis.steps.end(),
                   [](const RepairStep& each) { return each.kind == Kind::kTruncateLog; });
  if (step == diagnosis.steps.end()) {
    if (diagnosis.steps.empty()) {
      return absl::InvalidArgumentError(
          StrCat("the log of ", diagnosis.name, " ends at offset ", diagnosis.log_end,
                 " and can be recovered as it is; cutting it off would only lose records"));
    }
    return absl::InvalidArgumentError(StrCat("cutting off the log of ", diagnosis.name,
                                             " does not help; the way out is ",
                                             diagnosis.WayOut()));
  }
  if (offset > step->offset) {
    return absl::InvalidArgumentError(StrCat("the log of ", diagnosis.name,
                                             " is damaged before offset ", offset, ": ",
                                             diagnosis.WayOut()));
  }
  diagnosis.lost_count += step->offset - std::max(offset, diagnosis.starts_from);
  if (offset < diagnosis.starts_from) {  // The state that recovery begins from stays.
    step->kind = Kind::kBeginLogAnew;
    offset = diagnosis.starts_from;
  }
  step->offset = offset;
  diagnosis.goes_on_at = offset;
  return absl::OkStatus();
}

std::vector<std::string> DescribeSteps(const ModelDiagnosis& diagnosis) {
  std::vector<std::string> lines;
  for (const RepairStep& step : diagnosis.steps) {
    switch (step.kind) {
      case Kind::kMoveAway:
        lines.push_back(StrCat("move ", step.path, " away"));
        break;
      case Kind::kRename:
      case Kind::kMoveFolder:
        lines.push_back(StrCat("rename ", step.path, " to ", step.to));
        break;
      case Kind::kWriteManifest:
        lines.push_back(StrCat("write ", step.path, " anew, as its copy or a snapshot has it"));
        break;
      case Kind::kTruncateLog:
        lines.push_back(StrCat("cut the log off at offset ", step.offset));
        break;
      case Kind::kBeginLogAnew:
        lines.push_back(StrCat("begin the log anew, empty, at offset ", step.offset));
        break;
      case Kind::kRemoveModel:
        lines.push_back(StrCat("move ", step.path, " out of the data folder's models"));
        break;
    }
  }
  return lines;
}

absl::StatusOr<std::vector<std::string>> RepairModel(FileSystem& file_system,
                                                     const ModelDiagnosis& diagnosis,
                                                     absl::Time now) {
  return Repairer(file_system, diagnosis, now).Run();
}

}  // namespace freshet
