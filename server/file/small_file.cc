#include "server/file/small_file.h"

#include <array>
#include <filesystem>
#include <memory>
#include <span>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

absl::Status WriteAndSync(FileSystem& file_system, const std::string& path,
                          std::string_view content) {
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system.OpenAppend(path, AppendMode::kCreate);
  if (!file.ok()) return file.status();
  const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(content))};
  if (absl::Status status = (*file)->Append(pieces); !status.ok()) return status;
  return (*file)->Sync();
}

}  // namespace

std::string ParentFolder(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string_view NameAtEnd(std::string_view path) { return path.substr(path.rfind('/') + 1); }

absl::Status WriteFileAtomically(FileSystem& file_system, const std::string& path,
                                 std::string_view content) {
  const std::string temporary = StrCat(path, ".tmp");
  absl::Status status = file_system.Unlink(temporary);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  status = WriteAndSync(file_system, temporary, content);
  if (status.ok()) status = file_system.Rename(temporary, path);
  if (!status.ok()) {
    // A temporary file that cannot be removed does no harm: the next write removes it.
    file_system.Unlink(temporary).IgnoreError();
    return status;
  }
  return file_system.SyncDir(ParentFolder(path));
}

absl::StatusOr<std::string> ReadSmallFile(FileSystem& file_system, const std::string& path,
                                          uint64_t max_bytes) {
  absl::StatusOr<std::unique_ptr<ReadFile>> file = file_system.OpenRead(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> size = (*file)->SizeBytes();
  if (!size.ok()) return size.status();
  if (*size > max_bytes) {
    return absl::ResourceExhaustedError(
        StrCat(path, ": has ", *size, " bytes; at most ", max_bytes, " are allowed"));
  }
  std::string content(*size, '\0');
  const absl::StatusOr<size_t> count =
      (*file)->ReadAt(0, std::as_writable_bytes(std::span(content)));
  if (!count.ok()) return count.status();
  content.resize(*count);
  return content;
}

}  // namespace freshet
