#include "server/log/log_end.h"

#include <span>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "core/base/str_cat.h"
#include "server/file/checksum.h"
#include "server/file/model_folder.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr std::string_view kSegment = "segment: ";
constexpr std::string_view kNextOffset = "next_offset: ";

std::string Format(uint64_t uid, const LogEnd& end) {
  const std::string text = StrCat("freshet log end, version 1\nuid: ", FormatUid(uid), "\n",
                                  kSegment, end.segment, "\n", kNextOffset, end.next_offset, "\n");
  const uint64_t checksum = Checksum(std::as_bytes(std::span(text)));
  return absl::StrFormat("%schecksum: %016x\n", text, checksum);
}

// The number after `name` in `text`; 0 if there is none.
uint64_t NumberOf(std::string_view text, std::string_view name) {
  const size_t begin = text.find(name);
  if (begin == std::string_view::npos) return 0;
  const std::string_view rest = text.substr(begin + name.size());
  uint64_t number = 0;
  return absl::SimpleAtoi(ToAbsl(rest.substr(0, rest.find('\n'))), &number) ? number : 0;
}

}  // namespace

absl::StatusOr<LogEnd> ReadLogEnd(FileSystem& file_system, const std::string& dir, uint64_t uid) {
  const std::string path = StrCat(dir, "/", kLogEndName);
  const absl::StatusOr<std::string> text = ReadSmallFile(file_system, path);
  if (!text.ok()) return text.status();
  const LogEnd end{.segment = NumberOf(*text, kSegment),
                   .next_offset = NumberOf(*text, kNextOffset)};
  // A LogEnd has only one form as text, so this notices every changed byte.
  if (Format(uid, end) == *text) return end;
  return absl::DataLossError(StrCat(path, ": it is damaged, or of another model's log"));
}

absl::Status WriteLogEnd(FileSystem& file_system, const std::string& dir, uint64_t uid,
                         const LogEnd& end) {
  return WriteFileAtomically(file_system, StrCat(dir, "/", kLogEndName), Format(uid, end));
}

}  // namespace freshet
