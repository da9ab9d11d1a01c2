#include "server/recovery/found_models.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "core/base/str_cat.h"
#include "server/file/data_dir.h"
#include "server/file/model_folder.h"
#include "server/model/model_manifest.h"

namespace freshet {
namespace {

absl::Status Stray(const std::string& path, std::string_view reason) {
  return absl::DataLossError(
      StrCat(path, ": ", reason, "; move it out of the folder of the models"));
}

absl::Status StrayLink(const std::string& path) {
  return absl::DataLossError(StrCat(
      path,
      ": it is a link, which the server does not follow, so the model that it leads to is not "
      "served; put the model's folder itself in its place"));
}

void AddClaim(FoundModels& found, const std::string& folder, v1::Model spec, absl::Status problem) {
  FoundModel& model = found.models[std::string(ModelIdOf(spec))];
  model.folders.push_back(folder);
  if (model.folders.size() == 1) {
    model.spec = std::move(spec);
    model.problem = std::move(problem);
    return;
  }
  // Only the operator can tell which of them is the right one.
  model.problem =
      absl::DataLossError(StrCat("more than one folder holds ", model.spec.name(), ": models/",
                                 absl::StrJoin(model.folders, " and models/"),
                                 "; move all but the right one out of the data folder"));
}

void AddEntry(FileSystem& file_system, const std::string& models_dir,
              const std::vector<DirEntry>& entries, const DirEntry& entry, FoundModels& found) {
  const std::string path = StrCat(models_dir, "/", entry.name);
  if (entry.is_link) {
    found.strays.push_back(StrayLink(path));
    return;
  }
  if (!entry.is_directory) {
    found.strays.push_back(Stray(path, "it is a file, not the folder of a model"));
    return;
  }
  absl::StatusOr<Manifest> manifest = ReadManifestFile(file_system, path);
  if (!manifest.ok()) {
    const std::optional<ModelFolder> folder = ParseModelFolderName(entry.name);
    if (!folder.has_value()) {
      found.strays.push_back(Stray(path, "its name cannot be that of a model's folder"));
      return;
    }
    v1::Model named;
    named.set_name(StrCat("models/", folder->model_id));
    AddClaim(found, entry.name, std::move(named), manifest.status());
    return;
  }
  absl::Status problem = CheckManifestFolder(manifest->spec, path);
  const std::string own = FolderOf(manifest->spec);
  const bool is_copy =
      !problem.ok() && std::any_of(entries.begin(), entries.end(), [&](const DirEntry& other) {
        return other.is_directory && other.name == own;
      });
  if (is_copy) {
    found.strays.push_back(std::move(problem));
  } else {
    AddClaim(found, entry.name, std::move(manifest->spec), std::move(problem));
  }
}

}  // namespace

absl::StatusOr<FoundModels> FindModels(FileSystem& file_system, const std::string& data_dir) {
  const absl::StatusOr<std::vector<DirEntry>> entries = ListModelEntries(file_system, data_dir);
  if (!entries.ok()) return entries.status();
  FoundModels found;
  const std::string models_dir = StrCat(data_dir, "/models");
  for (const DirEntry& entry : *entries) {
    AddEntry(file_system, models_dir, *entries, entry, found);
  }
  return found;
}

}  // namespace freshet
