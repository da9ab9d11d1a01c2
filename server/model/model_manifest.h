// The manifest of a model: the file MODEL in its folder.
//
// A line with a checksum of what follows it, which is a comment to Protobuf; then the model's spec
// in Protobuf text format. Manifests of older versions have no such line.

#ifndef FRESHET_SERVER_MODEL_MODEL_MANIFEST_H_
#define FRESHET_SERVER_MODEL_MODEL_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "server/file/file_system.h"
#include "server/file/model_folder.h"

namespace freshet {

struct Manifest {
  v1::Model spec;
  bool has_checksum = false;  // Absent from those of older versions.
};

// What stands in the file.
std::string FormatManifest(const v1::Model& spec);

// The inverse. DATA_LOSS says what is wrong, without the file's name.
absl::StatusOr<Manifest> ParseManifest(std::string_view text);

// OK for the spec of a model that this server can serve: it has a name, a uid or none, a durability
// and variants, and each option of their learners is in its range. DATA_LOSS says what is wrong.
absl::Status CheckSpec(const v1::Model& spec);

// Whether a folder for the log that holds no segment may be a log without records: older versions
// created the first segment after the model. `snapshot_offset` is that of the newest snapshot.
bool MayLackLog(const v1::Model& spec, uint64_t snapshot_offset);

// The manifest in a model's folder, whichever model's. DATA_LOSS, with the file, where it is
// missing or damaged.
absl::StatusOr<Manifest> ReadManifestFile(FileSystem& file_system, const std::string& model_dir);

// OK where the folder is the model's own by its name. DATA_LOSS: it was copied or renamed.
absl::Status CheckManifestFolder(const v1::Model& spec, const std::string& model_dir);

// The id of a model, which is the last part of its name.
std::string_view ModelIdOf(const v1::Model& spec);

// The uid of a model as files hold it; 0 where it has none.
uint64_t UidOf(const v1::Model& spec);

// The name of the folder that a model's files stand in.
std::string FolderOf(const v1::Model& spec);

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_MODEL_MANIFEST_H_
