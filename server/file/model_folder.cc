#include "server/file/model_folder.h"

#include <algorithm>
#include <charconv>
#include <random>

#include "absl/strings/str_format.h"
#include "core/base/str_cat.h"
#include "server/file/resource_id.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr size_t kUidDigits = 16;
constexpr int kHexadecimal = 16;

}  // namespace

uint64_t RandomUid() {
  std::random_device device;
  uint64_t uid = 0;
  while (uid == 0) uid = (uint64_t{device()} << 32) | device();
  return uid;
}

std::string FormatUid(uint64_t uid) {
  return uid == 0 ? std::string() : absl::StrFormat("%016x", uid);
}

std::optional<uint64_t> ParseUid(std::string_view text) {
  if (text.empty()) return 0;
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() != kUidDigits || !std::all_of(text.begin(), text.end(), is_digit)) {
    return std::nullopt;
  }
  uint64_t uid = 0;
  std::from_chars(text.data(), text.data() + text.size(), uid, kHexadecimal);
  return uid == 0 ? std::nullopt : std::optional(uid);
}

std::string ModelFolderName(const ModelFolder& folder) {
  return folder.uid == 0 ? folder.model_id : StrCat(folder.model_id, "-", FormatUid(folder.uid));
}

std::optional<ModelFolder> ParseModelFolderName(std::string_view name) {
  if (const size_t dash = name.rfind('-'); dash != std::string_view::npos) {
    const std::string_view id = name.substr(0, dash);
    const uint64_t uid = ParseUid(name.substr(dash + 1)).value_or(0);
    if (uid != 0 && IsResourceId(id)) return ModelFolder{.model_id = std::string(id), .uid = uid};
  }
  if (!IsResourceId(name)) return std::nullopt;
  return ModelFolder{.model_id = std::string(name), .uid = 0};
}

absl::Status WriteManifestFiles(FileSystem& file_system, const std::string& model_dir,
                                std::string_view manifest) {
  absl::Status status =
      WriteFileAtomically(file_system, StrCat(model_dir, "/", kManifestName), manifest);
  if (!status.ok()) return status;
  return WriteFileAtomically(file_system, StrCat(model_dir, "/", kManifestCopyName), manifest);
}

}  // namespace freshet
