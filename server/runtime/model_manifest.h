// The manifest of a model: the file MODEL in its folder.

#ifndef FRESHET_SERVER_RUNTIME_MODEL_MANIFEST_H_
#define FRESHET_SERVER_RUNTIME_MODEL_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "server/file/file_system.h"

namespace freshet {

// What stands in the file: the spec in Protobuf text format.
std::string FormatManifest(const v1::Model& spec);

// The spec that the manifest in a model's folder holds. DATA_LOSS, with the file and the ways out,
// where the manifest is missing or damaged, or is of another model than the folder by its name: the
// folder was copied or renamed.
absl::StatusOr<v1::Model> ReadManifest(FileSystem& file_system, const std::string& model_dir);

// The two halves of that: the spec, whichever model's; and whether the folder is its own.
absl::StatusOr<v1::Model> ReadAnyManifest(FileSystem& file_system, const std::string& model_dir);
absl::Status CheckManifestFolder(const v1::Model& spec, const std::string& model_dir);

// The id of a model, which is the last part of its name.
std::string_view ModelIdOf(const v1::Model& spec);

// The uid of a model as files hold it; 0 where it has none.
uint64_t UidOf(const v1::Model& spec);

// The name of the folder that a model's files stand in.
std::string FolderOf(const v1::Model& spec);

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_MODEL_MANIFEST_H_
