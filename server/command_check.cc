#include "server/command_check.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/file/model_folder.h"
#include "server/file/small_file.h"
#include "server/log/log_check.h"
#include "server/log/restore_payload.h"
#include "server/runtime/model_manifest.h"
#include "server/snapshot/snapshot_file.h"

namespace freshet {
namespace {

constexpr std::string_view kSnapshotSuffix = ".snapshot";

// What the command works on.
struct Target {
  std::unique_ptr<FileLock> lock;       // Null where the folder was never used by a server.
  std::vector<std::string> model_dirs;  // In order.
};

std::string Count(size_t count, std::string_view what) {
  return StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string WithoutTrailingSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool Exists(FileSystem& file_system, const std::string& path) {
  return file_system.FileSize(path).ok();
}

// Keeps servers away, also where somebody removed the lock file. A copy may have none, and gets
// none.
absl::StatusOr<std::unique_ptr<FileLock>> Lock(FileSystem& file_system,
                                               const std::string& data_dir) {
  const std::string path = StrCat(data_dir, "/LOCK");
  absl::StatusOr<std::unique_ptr<FileLock>> lock =
      Exists(file_system, path) ? file_system.LockFile(path) : file_system.LockFolder(data_dir);
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(StrCat("the data folder ", data_dir,
                                                " is in use: ", ToStd(lock.status().message()),
                                                "; stop that server first"));
  }
  return lock;
}

absl::StatusOr<Target> FindTarget(FileSystem& file_system, const std::string& path) {
  Target target;
  std::string data_dir = path;
  if (Exists(file_system, StrCat(path, "/MODEL"))) {
    target.model_dirs.push_back(path);
    data_dir = StrCat(path, "/../..");
  } else {
    const std::string models = StrCat(path, "/models");
    const absl::StatusOr<std::vector<DirEntry>> entries = file_system.ListDir(models);
    if (!entries.ok()) {
      return absl::NotFoundError(StrCat(path, " is neither a data folder nor the folder of a model",
                                        " in one: ", ToStd(entries.status().message())));
    }
    for (const DirEntry& entry : *entries) {
      if (entry.is_directory && !entry.name.starts_with('.')) {
        target.model_dirs.push_back(StrCat(models, "/", entry.name));
      }
    }
    std::sort(target.model_dirs.begin(), target.model_dirs.end());
  }
  absl::StatusOr<std::unique_ptr<FileLock>> lock = Lock(file_system, data_dir);
  if (!lock.ok()) return lock.status();
  target.lock = *std::move(lock);
  return target;
}

// The uid of the model whose folder it is; by the folder's name where its manifest does not tell.
uint64_t UidOfFolder(FileSystem& file_system, const std::string& model_dir) {
  if (const auto spec = ReadManifest(file_system, model_dir); spec.ok()) return UidOf(*spec);
  const std::string name = std::filesystem::path(model_dir).filename().string();
  const std::optional<ModelFolder> folder = ParseModelFolderName(name);
  return folder.has_value() ? folder->uid : 0;
}

// The snapshots of one model.
struct SnapshotReport {
  size_t good_count = 0;
  size_t imported_count = 0;   // Of the good ones; a model cannot go on from these by itself.
  uint64_t newest_offset = 0;  // Of the other good ones; 0 where there is none.
  std::map<std::string, uint64_t, std::less<>> checksums;  // Of the good ones' files, by id.
  std::vector<std::string> problems;
};

absl::StatusOr<SnapshotReport> CheckSnapshots(FileSystem& file_system, const std::string& dir) {
  SnapshotReport report;
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system.ListDir(dir);
  if (absl::IsNotFound(entries.status())) return report;
  if (!entries.ok()) return entries.status();
  for (const DirEntry& entry : *entries) {
    if (entry.is_directory || !entry.name.ends_with(kSnapshotSuffix)) continue;
    const auto snapshot = ReadSnapshotFile(file_system, StrCat(dir, "/", entry.name));
    if (!snapshot.ok()) {
      report.problems.emplace_back(ToStd(snapshot.status().message()));
      continue;
    }
    ++report.good_count;
    const std::string_view name = entry.name;
    report.checksums.emplace(name.substr(0, name.size() - kSnapshotSuffix.size()),
                             snapshot->header().file_checksum());
    if (snapshot->header().snapshot().trigger() == v1::SNAPSHOT_TRIGGER_IMPORT) {
      ++report.imported_count;
      continue;
    }
    report.newest_offset = std::max(report.newest_offset, snapshot->header().snapshot().offset());
  }
  return report;
}

// What is wrong with the snapshot that a record restores; empty: nothing.
std::string_view RestoreProblem(const RestorePayload& restore, const SnapshotReport& snapshots) {
  const auto found = snapshots.checksums.find(restore.snapshot_id);
  if (found == snapshots.checksums.end()) return "cannot be read";
  if (restore.file_checksum.value_or(found->second) != found->second) {
    return "is another one of the same id";
  }
  return "";
}

// Says which restores of the log cannot be replayed. Returns whether recovery needs none of them.
bool PrintRestores(const LogCheckReport& log, const SnapshotReport& snapshots, std::ostream& out) {
  bool good = true;
  for (const auto& [offset, restore] : log.restores) {
    const std::string_view problem = RestoreProblem(restore, snapshots);
    if (problem.empty()) continue;
    const bool needed = offset >= snapshots.newest_offset;
    good &= !needed;
    out << "  the record at offset " << offset << " restores the snapshot " << restore.snapshot_id
        << ", which " << problem
        << (needed ? ": recovery needs it; put its file back from a copy\n"
                   : "; only a recovery from before that record would need it\n");
  }
  return good;
}

// Where a model whose log is cut off at `offset` goes on.
std::string GoesOnAt(uint64_t offset, const SnapshotReport& snapshots) {
  if (snapshots.newest_offset <= offset) return StrCat("the model goes on at offset ", offset);
  return StrCat("the model goes on from its newest snapshot, at offset ", snapshots.newest_offset);
}

void PrintLog(const std::string& model_dir, const LogCheckReport& log,
              const SnapshotReport& snapshots, std::ostream& out) {
  if (log.segments.empty()) {
    out << model_dir << ": no log\n";
    return;
  }
  uint64_t bytes = 0;
  for (const CheckedSegment& segment : log.segments) bytes += segment.size_bytes;
  out << model_dir << ": log of offsets " << log.segments.front().first_offset << " to "
      << log.segments.back().next_offset << ", " << Count(log.segments.size(), "segment") << ", "
      << bytes << " bytes: " << (log.problems.empty() ? "good" : "DAMAGED") << '\n';
  if (log.torn_bytes > 0) {
    out << "  the last " << log.torn_bytes
        << " bytes are a write that was interrupted; the server cuts them off by itself\n";
  }
  for (const LogProblem& problem : log.problems) {
    out << "  " << problem.path << ": byte " << problem.position << ", offset "
        << problem.next_offset << ": " << problem.reason << '\n';
  }
  if (log.problems.empty()) return;
  const uint64_t offset = log.problems.front().next_offset;
  out << "  ways out: put the file back from a copy; or drop the record at offset " << offset
      << " and all after it with 'freshetd repair " << model_dir << " --truncate-at " << offset
      << "': " << GoesOnAt(offset, snapshots) << '\n';
}

void PrintSnapshots(const std::string& model_dir, const SnapshotReport& snapshots,
                    std::ostream& out) {
  out << model_dir << ": " << Count(snapshots.good_count, "good snapshot");
  if (snapshots.imported_count > 0) out << " (" << snapshots.imported_count << " imported)";
  if (snapshots.good_count > snapshots.imported_count) {
    out << ", the newest at offset " << snapshots.newest_offset;
  }
  if (!snapshots.problems.empty()) out << "; " << snapshots.problems.size() << " DAMAGED";
  out << '\n';
  for (const std::string& problem : snapshots.problems) out << "  " << problem << '\n';
}

}  // namespace

absl::StatusOr<bool> RunCheck(FileSystem& file_system, const std::string& path, std::ostream& out) {
  const absl::StatusOr<Target> target = FindTarget(file_system, WithoutTrailingSlashes(path));
  if (!target.ok()) return target.status();
  bool good = true;
  for (const std::string& model_dir : target->model_dirs) {
    const auto snapshots = CheckSnapshots(file_system, StrCat(model_dir, "/snapshots"));
    if (!snapshots.ok()) return snapshots.status();
    const std::string log_dir = StrCat(model_dir, "/log");
    absl::StatusOr<LogCheckReport> log =
        CheckLog(file_system, log_dir, UidOfFolder(file_system, model_dir));
    if (absl::IsNotFound(log.status())) log = LogCheckReport();  // The model has none yet.
    if (!log.ok()) return log.status();
    PrintLog(model_dir, *log, *snapshots, out);
    PrintSnapshots(model_dir, *snapshots, out);
    good &= PrintRestores(*log, *snapshots, out);
    good &= log->problems.empty() && snapshots->problems.empty();
  }
  if (target->model_dirs.empty()) out << path << ": no models\n";
  return good;
}

absl::Status RunRepair(FileSystem& file_system, const std::string& path, uint64_t offset,
                       std::ostream& out) {
  const absl::StatusOr<Target> target = FindTarget(file_system, WithoutTrailingSlashes(path));
  if (!target.ok()) return target.status();
  if (target->model_dirs.size() != 1) {
    return absl::InvalidArgumentError(StrCat(path, " has ", target->model_dirs.size(),
                                             " models; name the folder of one, such as ", path,
                                             "/models/ctr"));
  }
  const std::string& model_dir = target->model_dirs.front();
  const auto snapshots = CheckSnapshots(file_system, StrCat(model_dir, "/snapshots"));
  if (!snapshots.ok()) return snapshots.status();
  const absl::StatusOr<LogTruncation> truncation = TruncateLog(
      file_system, StrCat(model_dir, "/log"), UidOfFolder(file_system, model_dir), offset);
  if (!truncation.ok()) return truncation.status();
  for (const std::string& file : truncation->removed_files) out << "removed " << file << '\n';
  out << "the log of " << model_dir << " now ends at offset " << truncation->next_offset << "; "
      << truncation->removed_bytes << " bytes were removed; " << GoesOnAt(offset, *snapshots)
      << '\n';
  return absl::OkStatus();
}

}  // namespace freshet
