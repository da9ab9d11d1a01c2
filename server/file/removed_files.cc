#include "server/file/removed_files.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "core/base/str_cat.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr uint64_t kCopyBytes = uint64_t{1} << 20;

// Creates a folder durably, unless it exists.
absl::Status MakeDir(FileSystem& file_system, const std::string& path) {
  absl::Status status = file_system.CreateDir(path);
  if (absl::IsAlreadyExists(status)) return absl::OkStatus();
  if (!status.ok()) return status;
  return file_system.SyncDir(ParentFolder(path));
}

}  // namespace

absl::Status CopyFile(FileSystem& file_system, const std::string& from, const std::string& to,
                      uint64_t size_bytes) {
  const absl::StatusOr<std::unique_ptr<ReadFile>> source = file_system.OpenRead(from);
  if (!source.ok()) return source.status();
  absl::StatusOr<std::unique_ptr<AppendFile>> target =
      file_system.OpenAppend(to, AppendMode::kCreate);
  if (!target.ok()) return target.status();
  std::vector<std::byte> buffer(kCopyBytes);
  for (uint64_t position = 0; position < size_bytes;) {
    const uint64_t wanted = std::min(size_bytes - position, kCopyBytes);
    const absl::StatusOr<size_t> count =
        (*source)->ReadAt(position, std::span(buffer).first(wanted));
    if (!count.ok()) return count.status();
    const std::array<ByteSpan, 1> pieces = {ByteSpan(buffer).first(*count)};
    if (absl::Status status = (*target)->Append(pieces); !status.ok()) return status;
    position += *count;
    if (*count < wanted) break;
  }
  return (*target)->Sync();
}

RemovedFiles::RemovedFiles(FileSystem& file_system, std::string root, absl::Time now)
    : file_system_(file_system), root_(std::move(root)) {
  const std::string time = absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone());
  folder_ = StrCat(root_, "/removed/", time);
  for (int i = 2; file_system_.FileSize(folder_).ok(); ++i) {
    folder_ = StrCat(root_, "/removed/", time, "-", i);
  }
}

absl::StatusOr<std::string> RemovedFiles::MakePlace(const std::string& path) {
  const std::string relative = path.substr(root_.size() + 1);
  std::string folder = StrCat(root_, "/removed");
  absl::Status status = MakeDir(file_system_, folder);
  if (status.ok()) status = MakeDir(file_system_, folder_);
  folder = folder_;
  for (size_t begin = 0; status.ok();) {
    const size_t end = relative.find('/', begin);
    if (end == std::string::npos) break;
    folder = StrCat(folder_, "/", relative.substr(0, end));
    status = MakeDir(file_system_, folder);
    begin = end + 1;
  }
  if (!status.ok()) return status;
  // A path can be removed twice: as a file that is moved away, and as one that then gets its name.
  std::string place = StrCat(folder_, "/", relative);
  for (int i = 2; file_system_.FileSize(place).ok(); ++i) {
    place = StrCat(folder_, "/", relative, "-", i);
  }
  return place;
}

absl::Status RemovedFiles::Move(const std::string& path) {
  const absl::StatusOr<std::string> place = MakePlace(path);
  if (!place.ok()) return place.status();
  absl::Status status = file_system_.Rename(path, *place);
  // The new folder is synced first, so that a loss of power cannot lose the file from both.
  if (status.ok()) status = file_system_.SyncDir(ParentFolder(*place));
  if (status.ok()) status = file_system_.SyncDir(ParentFolder(path));
  return status;
}

absl::Status RemovedFiles::Copy(const std::string& path) {
  const absl::StatusOr<std::string> place = MakePlace(path);
  if (!place.ok()) return place.status();
  absl::Status status = CopyFile(file_system_, path, *place, UINT64_MAX);
  if (status.ok()) status = file_system_.SyncDir(ParentFolder(*place));
  return status;
}

}  // namespace freshet
