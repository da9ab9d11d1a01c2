#include "server/recovery/data_dir_diagnosis.h"

#include <map>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/data_dir.h"
#include "server/file/model_folder.h"
#include "server/model/model_manifest.h"
#include "server/recovery/found_models.h"

namespace freshet {
namespace {

class DataDirDiagnoser {
 public:
  DataDirDiagnoser(FileSystem& file_system, std::string dir)
      : file_system_(file_system), dir_(std::move(dir)) {}

  absl::StatusOr<DataDirDiagnosis> Run() {
    const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(dir_);
    if (!entries.ok()) return entries.status();
    std::map<std::string, bool> is_folder;
    for (const DirEntry& entry : *entries) {
      is_folder[entry.name] = LeadsToFolder(file_system_, dir_, entry);
    }
    if (!is_folder.contains("models") && !is_folder.contains("VERSION")) {
      return absl::NotFoundError(StrCat(dir_, ": it has no folder of models"));
    }
    for (const auto& [name, folder] : is_folder) {
      const bool should_be_folder = name == "models" || name == "uploads";
      if (folder == should_be_folder) continue;
      if (should_be_folder) AddMoved(name, true, "it is a file, not a folder");
      if (name == "LOCK" || name == "VERSION") AddMoved(name, true, "it is a folder, not a file");
    }
    if (const auto version = is_folder.find("VERSION"); version == is_folder.end()) {
      AddMissingVersion();
    } else if (!version->second) {
      if (absl::Status status = ReviewVersion(); !status.ok()) return status;
    }
    if (const auto models = is_folder.find("models"); models != is_folder.end() && models->second) {
      if (absl::Status status = ReviewModels(); !status.ok()) return status;
    }
    return std::move(diagnosis_);
  }

 private:
  void AddMoved(const std::string& name, bool hinders, const std::string& problem) {
    const std::string path = StrCat(dir_, "/", name);
    diagnosis_.findings.push_back(
        {.what = StrCat(path, ": ", problem),
         .hinders = hinders,
         .advice = StrCat("'freshetd repair ", dir_, "' moves it away; nothing is lost")});
    diagnosis_.moves.push_back(path);
  }

  void AddMissingVersion() {
    diagnosis_.findings.push_back({.what = StrCat(dir_, "/VERSION: the file is missing"),
                                   .hinders = false,
                                   .advice = "the server writes it anew when it starts"});
  }

  absl::Status ReviewVersion() {
    absl::Status status = ReadLayoutVersion(file_system_, dir_).status();
    if (!absl::IsDataLoss(status)) return status;
    AddMoved("VERSION", true, "it is damaged; once it is moved away, the server writes it anew");
    return absl::OkStatus();
  }

  absl::Status ReviewModels() {
    const absl::StatusOr<std::vector<DirEntry>> entries = ListModelEntries(file_system_, dir_);
    if (!entries.ok()) return entries.status();
    for (const DirEntry& entry : *entries) {
      const std::string path = StrCat(dir_, "/models/", entry.name);
      const std::string name = StrCat("models/", entry.name);
      if (entry.is_link) {
        AddMoved(name, false,
                 "it is a link, which the server does not follow; to have its target served, move "
                 "the folder itself here");
      } else if (!entry.is_directory) {
        AddMoved(name, false, "it is a file, not the folder of a model");
      } else if (!ParseModelFolderName(entry.name).has_value() &&
                 !ReadManifestFile(file_system_, path).ok()) {
        AddMoved(name, false, "its name cannot be that of a model's folder");
      } else {
        diagnosis_.model_dirs.push_back(path);
      }
    }
    return ReviewNames();
  }

  // Adds a finding for each model that several folders hold. Only the operator can tell which of
  // them is the right one.
  absl::Status ReviewNames() {
    const absl::StatusOr<FoundModels> found = FindModels(file_system_, dir_);
    if (!found.ok()) return found.status();
    for (const auto& [id, model] : found->models) {
      if (model.folders.size() < 2) continue;
      diagnosis_.findings.push_back({.what = StrCat(dir_, ": ", ToStd(model.problem.message())),
                                     .hinders = true,
                                     .advice = "none of them is served until then"});
    }
    return absl::OkStatus();
  }

  FileSystem& file_system_;
  const std::string dir_;
  DataDirDiagnosis diagnosis_;
};

}  // namespace

absl::StatusOr<DataDirDiagnosis> DiagnoseDataDir(FileSystem& file_system, const std::string& dir) {
  return DataDirDiagnoser(file_system, dir).Run();
}

}  // namespace freshet
