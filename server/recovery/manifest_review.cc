#include "server/recovery/manifest_review.h"

#include <optional>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/file/small_file.h"
#include "server/model/imported_snapshot.h"
#include "server/model/model_manifest.h"
#include "server/snapshot/snapshot_file.h"
#include "server/snapshot/snapshot_store.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

class ManifestReviewer {
 public:
  ManifestReviewer(FileSystem& file_system, const FolderEntries& entries, DiagnosisBuilder& builder)
      : file_system_(file_system),
        entries_(entries),
        builder_(builder),
        diagnosis_(builder.diagnosis()) {}

  // See ReviewManifest().
  absl::StatusOr<bool> Review();

 private:
  absl::StatusOr<std::string> ProblemOfManifest();
  std::optional<v1::SnapshotFileHeader> NewestHeader();
  std::optional<v1::Model> SpecFromCopy();
  void ReviewManifestCopy();
  void ReviewFolderName();

  FileSystem& file_system_;
  const FolderEntries& entries_;
  DiagnosisBuilder& builder_;
  ModelDiagnosis& diagnosis_;  // The builder's.
  bool is_copy_ = false;       // The folder is a copy of a model's folder that is in its place.
};

// The header of the newest snapshot of this model that can be read, whatever its name.
std::optional<v1::SnapshotFileHeader> ManifestReviewer::NewestHeader() {
  const std::string folder = StrCat(diagnosis_.dir, "/snapshots");
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(folder);
  std::optional<v1::SnapshotFileHeader> newest;
  if (!entries.ok()) return newest;
  for (const DirEntry& entry : *entries) {
    if (entry.is_directory || !entry.name.ends_with(kSnapshotSuffix)) continue;
    absl::StatusOr<v1::SnapshotFileHeader> header =
        ReadSnapshotFileHeader(file_system_, StrCat(folder, "/", entry.name));
    if (!header.ok() || !CheckSpec(header->model()).ok()) continue;
    if (FolderOf(header->model()) != NameAtEnd(diagnosis_.dir)) continue;
    if (newest.has_value() && header->snapshot().offset() < newest->snapshot().offset()) continue;
    newest = *std::move(header);
  }
  return newest;
}

// Takes the spec from the manifest. Returns what is wrong with the manifest; empty: nothing.
absl::StatusOr<std::string> ManifestReviewer::ProblemOfManifest() {
  const auto entry = entries_.find(kManifestName);
  if (entry == entries_.end()) return "the manifest is missing";
  if (entry->second) return "the manifest is a folder, not a file";
  const absl::StatusOr<std::string> text =
      ReadSmallFile(file_system_, StrCat(diagnosis_.dir, "/", kManifestName));
  if (absl::IsPermissionDenied(text.status())) return text.status();
  if (!text.ok()) return std::string(ToStd(text.status().message()));
  absl::StatusOr<Manifest> manifest = ParseManifest(*text);
  if (!manifest.ok()) return std::string(ToStd(manifest.status().message()));
  if (!manifest->has_checksum) {
    const std::optional<v1::SnapshotFileHeader> newest = NewestHeader();
    const absl::Status same =
        newest.has_value() ? CheckSameLearners(*newest, manifest->spec) : absl::OkStatus();
    if (!same.ok()) return std::string(ToStd(same.message()));
  }
  diagnosis_.spec = std::move(manifest->spec);
  return "";
}

// The spec in the manifest's copy; none if the copy is missing, damaged or another model's.
std::optional<v1::Model> ManifestReviewer::SpecFromCopy() {
  const absl::StatusOr<std::string> text =
      ReadSmallFile(file_system_, StrCat(diagnosis_.dir, "/", kManifestCopyName));
  if (!text.ok()) return std::nullopt;
  absl::StatusOr<Manifest> copy = ParseManifest(*text);
  if (!copy.ok() || !copy->has_checksum || FolderOf(copy->spec) != NameAtEnd(diagnosis_.dir)) {
    return std::nullopt;
  }
  return std::move(copy->spec);
}

// Adds a finding if the manifest's copy is missing or damaged. Models of older versions, which have
// no uid, may lack the copy.
void ManifestReviewer::ReviewManifestCopy() {
  const std::string path = StrCat(diagnosis_.dir, "/", kManifestCopyName);
  const auto entry = entries_.find(kManifestCopyName);
  if (is_copy_ || NameAtEnd(diagnosis_.dir) != FolderOf(*diagnosis_.spec)) return;
  if (entry == entries_.end() && UidOf(*diagnosis_.spec) == 0) return;
  if (entry != entries_.end() && entry->second) {
    builder_.AddUnneeded(StrCat(path, ": it is a folder, not a file"), path);
  } else if (!SpecFromCopy().has_value()) {
    builder_.AddFinding(
        StrCat(path, entry == entries_.end() ? ": the file is missing" : ": it is damaged"),
        /*hinders=*/false, "the server writes it anew when it starts");
  }
}

void ManifestReviewer::ReviewFolderName() {
  const std::string wanted = FolderOf(*diagnosis_.spec);
  if (NameAtEnd(diagnosis_.dir) == wanted) return;
  const std::string place = StrCat(ParentFolder(diagnosis_.dir), "/", wanted);
  const std::string what = StrCat(diagnosis_.dir, ": the folder was copied or renamed: it holds ",
                                  diagnosis_.name, ", whose folder is called ", wanted);
  if (file_system_.FileSize(place).ok()) {
    is_copy_ = true;
    builder_.AddMendable(what, /*hinders=*/true, "moves the copy away");
    builder_.AddStep(RepairStep::Kind::kRemoveModel, diagnosis_.dir);
  } else {
    builder_.AddMendable(what, /*hinders=*/true, "gives the folder its name back");
    builder_.AddStep(RepairStep::Kind::kMoveFolder, diagnosis_.dir, place);
  }
}

absl::StatusOr<bool> ManifestReviewer::Review() {
  const absl::StatusOr<std::string> problem = ProblemOfManifest();
  if (!problem.ok()) return problem.status();
  if (problem->empty()) {
    diagnosis_.name = diagnosis_.spec->name();
    ReviewFolderName();
    ReviewManifestCopy();
    return !is_copy_;
  }
  const std::string path = StrCat(diagnosis_.dir, "/", kManifestName);
  const std::string what = StrCat(path, ": ", *problem);
  diagnosis_.spec = SpecFromCopy();
  if (!diagnosis_.spec.has_value()) {
    if (const auto newest = NewestHeader()) diagnosis_.spec = newest->model();
  }
  if (diagnosis_.spec.has_value()) {
    diagnosis_.name = diagnosis_.spec->name();
    builder_.AddMendable(what, /*hinders=*/true,
                         "writes it anew, as its copy or a snapshot has it");
    if (entries_.contains(kManifestName)) builder_.AddStep(RepairStep::Kind::kMoveAway, path);
    builder_.AddStep(RepairStep::Kind::kWriteManifest, path);
    return true;
  }
  builder_.AddLost(what, path);
  builder_.AddStep(RepairStep::Kind::kRemoveModel, diagnosis_.dir);
  diagnosis_.more_may_be_lost = true;
  return false;
}

}  // namespace

absl::StatusOr<bool> ReviewManifest(FileSystem& file_system, const FolderEntries& entries,
                                    DiagnosisBuilder& builder) {
  return ManifestReviewer(file_system, entries, builder).Review();
}

}  // namespace freshet
