// Names of models' folders, which say which model a folder belongs to.
//
// Every model that is created gets a uid of its own, even if a model with the same id was deleted
// just before. The uid is part of the name of the model's folder and of every file in it, so that
// files of one model cannot be mistaken for another's.

#ifndef FRESHET_SERVER_FILE_MODEL_FOLDER_H_
#define FRESHET_SERVER_FILE_MODEL_FOLDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/file/file_system.h"

namespace freshet {

// A new random uid, so that no other model has the same; never 0.
uint64_t RandomUid();

// 16 lower-case hexadecimal digits; "" for 0, which means no uid.
std::string FormatUid(uint64_t uid);

// The inverse of FormatUid(): "" gives 0, and any other text that is not a uid nullopt.
std::optional<uint64_t> ParseUid(std::string_view text);

// Identifies one created model: a model that is deleted and created again has another uid.
struct ModelFolder {
  std::string model_id;
  uint64_t uid = 0;  // 0: created by a version without uids.

  friend bool operator==(const ModelFolder&, const ModelFolder&) = default;
};

// "<id>-<uid>"; "<id>" without a uid.
std::string ModelFolderName(const ModelFolder& folder);

// The inverse of ModelFolderName(); nullopt if the name cannot be that of a model's folder. A name
// that ends like a uid is taken to have one. So for a model without a uid whose id happens to end
// like one, only the manifest tells.
std::optional<ModelFolder> ParseModelFolderName(std::string_view name);

// File names of the manifest in a model's folder and of its copy.
inline constexpr std::string_view kManifestName = "MODEL";
inline constexpr std::string_view kManifestCopyName = "MODEL.copy";

// Replaces the manifest in the folder, whole or not at all, and then its copy. The copy is there so
// that a whole log does not depend on a few hundred bytes in one place.
absl::Status WriteManifestFiles(FileSystem& file_system, const std::string& model_dir,
                                std::string_view manifest);

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_MODEL_FOLDER_H_
