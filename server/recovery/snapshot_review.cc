#include "server/recovery/snapshot_review.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "core/base/str_cat.h"
#include "server/file/resource_id.h"
#include "server/model/imported_snapshot.h"
#include "server/snapshot/snapshot_file.h"
#include "server/snapshot/snapshot_store.h"
#include "server/view/model_state.h"

namespace freshet {
namespace {

// Reads the file `path`, and checks that it is a snapshot of this model.
ReviewedSnapshot ReviewFile(FileSystem& file_system, const std::string& path, std::string_view id,
                            const v1::Model& spec) {
  ReviewedSnapshot snapshot{
      .path = path, .id = std::string(id), .header = {}, .problem = {}, .renamed_to = {}};
  absl::StatusOr<v1::SnapshotFileHeader> header = ReadSnapshotFileHeader(file_system, path);
  if (header.ok()) {
    snapshot.header = *std::move(header);
    snapshot.problem = ReadSnapshotFile(file_system, path).status();
  } else {
    snapshot.problem = header.status();
  }
  if (snapshot.header.has_value()) {
    const absl::Status owner = CheckOwner(path, *snapshot.header, spec.name(), spec.uid());
    if (!owner.ok()) {
      snapshot.problem = owner;
      snapshot.header.reset();  // It is another model's.
    }
  }
  return snapshot;
}

bool IsUsable(const ReviewedSnapshot& snapshot, SnapshotReview::Names names) {
  return snapshot.problem.ok() &&
         (snapshot.renamed_to.empty() || names == SnapshotReview::Names::kMended);
}

// The number in an id like s000123.
std::optional<uint64_t> NumberOfSnapshot(std::string_view id) {
  uint64_t number = 0;
  if (!id.starts_with('s') || !absl::SimpleAtoi(ToAbsl(id.substr(1)), &number)) return std::nullopt;
  return number;
}

bool IsOlderFile(const ReviewedSnapshot& a, const ReviewedSnapshot& b) {
  const auto key = [](const ReviewedSnapshot& snapshot) {
    const v1::Snapshot& header = snapshot.header.has_value() ? snapshot.header->snapshot()
                                                             : v1::Snapshot::default_instance();
    return std::make_tuple(!snapshot.header.has_value(), header.offset(),
                           header.create_time().seconds(), header.create_time().nanos(),
                           std::string_view(snapshot.path));
  };
  return key(a) < key(b);
}

// Sets renamed_to and id of each snapshot whose file is not named after the snapshot's id, or marks
// it as a copy if a good file has that name.
void FindNames(const std::string& dir, std::vector<ReviewedSnapshot>& snapshots) {
  for (ReviewedSnapshot& snapshot : snapshots) {
    if (!snapshot.problem.ok()) continue;
    const std::string own_id(SnapshotIdOf(*snapshot.header));
    if (own_id == snapshot.id) continue;
    const std::string own_path = StrCat(dir, "/", own_id, kSnapshotSuffix);
    const bool taken =
        std::any_of(snapshots.begin(), snapshots.end(), [&](const ReviewedSnapshot& other) {
          const bool stays = other.problem.ok() && SnapshotIdOf(*other.header) == other.id;
          return (other.path == own_path && stays) || other.renamed_to == own_path;
        });
    if (taken || !IsResourceId(own_id)) {
      snapshot.problem =
          absl::DataLossError(StrCat(snapshot.path, ": it is a copy of the snapshot ", own_id));
    } else {
      snapshot.renamed_to = own_path;
    }
  }
  for (ReviewedSnapshot& snapshot : snapshots) {
    if (!snapshot.renamed_to.empty()) snapshot.id = SnapshotIdOf(*snapshot.header);
  }
}

// Loads the states of snapshots, the newest first, until one can be loaded and has its name.
absl::Status LoadNewest(FileSystem& file_system, const v1::Model& spec,
                        std::vector<ReviewedSnapshot>& snapshots) {
  for (size_t i = snapshots.size(); i-- > 0;) {
    ReviewedSnapshot& snapshot = snapshots[i];
    if (!snapshot.problem.ok() || !StartOffsetOf(*snapshot.header).has_value()) continue;
    const absl::StatusOr<LoadedSnapshot> loaded = ReadSnapshotFile(file_system, snapshot.path);
    absl::Status status = loaded.status();
    if (status.ok()) {
      absl::StatusOr<std::unique_ptr<ModelState>> state = ModelState::Create(spec);
      if (!state.ok()) return state.status();
      status = (*state)->Load(loaded->payload());
    }
    if (absl::IsResourceExhausted(status)) return status;
    // A snapshot whose file lost its name is not used before the file is renamed, so go on to find
    // one that can be used now.
    if (status.ok() && snapshot.renamed_to.empty()) return status;
    if (status.ok()) continue;
    snapshot.problem = absl::DataLossError(StrCat(snapshot.path, ": ", ToStd(status.message())));
  }
  return absl::OkStatus();
}

}  // namespace

bool WasDurable(const std::optional<v1::SnapshotFileHeader>& header) {
  return header.has_value() && header->model().durability() == v1::DURABILITY_FSYNC;
}

std::optional<uint64_t> StartOffsetOf(const v1::SnapshotFileHeader& header) {
  if (header.snapshot().trigger() == v1::SNAPSHOT_TRIGGER_IMPORT) return std::nullopt;
  return header.snapshot().offset();
}

bool MayBeNewer(FileSystem& file_system, const std::string& path, std::string_view id,
                const v1::Model& spec, const v1::SnapshotFileHeader* newest) {
  const absl::StatusOr<v1::SnapshotFileHeader> header = ReadSnapshotFileHeader(file_system, path);
  // The snapshots that the server takes by itself have numbered ids, so a higher number means
  // later.
  const std::optional<uint64_t> number = NumberOfSnapshot(id);
  const std::optional<uint64_t> newest_number =
      newest == nullptr ? std::optional<uint64_t>(0) : NumberOfSnapshot(SnapshotIdOf(*newest));
  const bool numbered = number.has_value() && newest_number.has_value();
  if (!header.ok()) return !numbered || *number > *newest_number;
  if (CheckOwner(path, *header, spec.name(), spec.uid()).ok()) {
    const uint64_t newest_offset = newest == nullptr ? 0 : newest->snapshot().offset();
    if (StartOffsetOf(*header).value_or(0) > newest_offset) return true;
  }
  // Another file was copied over this one, which may have been newer by its name.
  return SnapshotIdOf(*header) != id && numbered && *number > *newest_number;
}

const ReviewedSnapshot* SnapshotReview::Newest(Names names) const {
  for (size_t i = snapshots.size(); i-- > 0;) {
    const ReviewedSnapshot& snapshot = snapshots[i];
    if (IsUsable(snapshot, names) && StartOffsetOf(*snapshot.header).has_value()) {
      return &snapshot;
    }
  }
  return nullptr;
}

absl::Status SnapshotReview::CheckRestore(const RestoreRecord& restore, Names names) const {
  const auto found =
      std::find_if(snapshots.begin(), snapshots.end(), [&](const ReviewedSnapshot& snapshot) {
        return IsUsable(snapshot, names) && snapshot.id == restore.snapshot_id;
      });
  if (found == snapshots.end()) return absl::DataLossError("cannot be read");
  const uint64_t checksum = found->header->file_checksum();
  if (restore.file_checksum.value_or(checksum) == checksum) return absl::OkStatus();
  return absl::DataLossError("is another one of the same id");
}

uint64_t SnapshotReview::known_offset() const {
  uint64_t offset = 0;
  for (const ReviewedSnapshot& snapshot : snapshots) {
    if (!snapshot.header.has_value()) continue;
    offset = std::max(offset, StartOffsetOf(*snapshot.header).value_or(0));
  }
  return offset;
}

absl::StatusOr<SnapshotReview> ReviewSnapshots(FileSystem& file_system, const std::string& dir,
                                               const v1::Model& spec) {
  SnapshotReview review;
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system.ListDir(dir);
  if (absl::IsNotFound(entries.status())) return review;
  if (!entries.ok()) return entries.status();
  for (const DirEntry& entry : *entries) {
    const std::string_view name = entry.name;
    if (!name.ends_with(kSnapshotSuffix)) continue;
    const std::string path = StrCat(dir, "/", name);
    const std::string_view id = name.substr(0, name.size() - kSnapshotSuffix.size());
    if (!entry.is_directory) {
      review.snapshots.push_back(ReviewFile(file_system, path, id, spec));
      continue;
    }
    review.snapshots.push_back(
        {.path = path,
         .id = std::string(id),
         .header = {},
         .problem = absl::DataLossError(StrCat(path, ": it is a folder, not a file")),
         .renamed_to = {}});
  }
  FindNames(dir, review.snapshots);
  std::sort(review.snapshots.begin(), review.snapshots.end(), IsOlderFile);
  if (absl::Status status = LoadNewest(file_system, spec, review.snapshots); !status.ok()) {
    return status;
  }
  return review;
}

}  // namespace freshet
