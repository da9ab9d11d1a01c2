// Whose a model's folder is, by the name of the folder.
//
// Every model that is created gets a uid of its own, also where a model of the same id was deleted
// just before. The uid stands in the name of the model's folder and in every file in it, so that
// nothing of one model can be taken for another's.

#ifndef FRESHET_SERVER_FILE_MODEL_FOLDER_H_
#define FRESHET_SERVER_FILE_MODEL_FOLDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/file/file_system.h"

namespace freshet {

// A uid that no other model has, drawn at random; never 0.
uint64_t RandomUid();

// 16 lower-case hexadecimal digits; "" for 0, which stands for no uid.
std::string FormatUid(uint64_t uid);

// The inverse; none for any other text. "" gives 0.
std::optional<uint64_t> ParseUid(std::string_view text);

// A model and the one time that it was created.
struct ModelFolder {
  std::string model_id;
  uint64_t uid = 0;  // 0: created by a version that gave no uids.

  friend bool operator==(const ModelFolder&, const ModelFolder&) = default;
};

// "<id>-<uid>"; "<id>" without a uid.
std::string ModelFolderName(const ModelFolder& folder);

// The inverse; none where no model's folder is called so. A name that ends like a uid is taken for
// one with a uid: a model without, whose id ends so, is known by its manifest alone.
std::optional<ModelFolder> ParseModelFolderName(std::string_view name);

// The manifest in a model's folder, and the copy of it.
inline constexpr std::string_view kManifestName = "MODEL";
inline constexpr std::string_view kManifestCopyName = "MODEL.copy";

// Replaces the manifest in the folder, whole or not at all, and then its copy: not all of a log
// depends on a few hundred bytes that stand in one place.
absl::Status WriteManifestFiles(FileSystem& file_system, const std::string& model_dir,
                                std::string_view manifest);

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_MODEL_FOLDER_H_
