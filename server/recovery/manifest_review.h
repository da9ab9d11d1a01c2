// Finds out which model the files in a folder belong to.

#ifndef FRESHET_SERVER_RECOVERY_MANIFEST_REVIEW_H_
#define FRESHET_SERVER_RECOVERY_MANIFEST_REVIEW_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/recovery/diagnosis_builder.h"

namespace freshet {

// The names in a model's folder, and for each of them whether it is a folder.
using FolderEntries = std::map<std::string, bool, std::less<>>;

// Takes the spec of the model from the manifest, or else from the manifest's copy, or else from the
// newest snapshot that can be read. Sets the spec and the name of the diagnosis, and adds what is
// wrong with the manifest, its copy and the folder's name. Changes no file.
//
// Returns whether the log and the snapshots are worth a review. They are not if nothing tells which
// model this is, or if the folder is a copy of a model's folder that is in its place.
// PERMISSION_DENIED if the manifest may not be read.
absl::StatusOr<bool> ReviewManifest(FileSystem& file_system, const FolderEntries& entries,
                                    DiagnosisBuilder& builder);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_MANIFEST_REVIEW_H_
