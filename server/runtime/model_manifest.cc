#include "server/runtime/model_manifest.h"

#include <google/protobuf/text_format.h>

#include <filesystem>

#include "core/base/str_cat.h"
#include "server/file/model_folder.h"
#include "server/file/resource_id.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr std::string_view kModels = "models/";

absl::Status Damaged(const std::string& path, std::string_view reason) {
  return absl::DataLossError(
      StrCat(path, ": ", reason, "; put it back from a copy, or remove the model's folder"));
}

}  // namespace

std::string FormatManifest(const v1::Model& spec) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(spec, &text);
  return text;
}

absl::StatusOr<v1::Model> ReadAnyManifest(FileSystem& file_system, const std::string& model_dir) {
  const std::string path = StrCat(model_dir, "/MODEL");
  const absl::StatusOr<std::string> text = ReadSmallFile(file_system, path);
  if (absl::IsNotFound(text.status())) return Damaged(path, "the manifest is missing");
  if (!text.ok()) return text.status();
  v1::Model spec;
  if (!google::protobuf::TextFormat::ParseFromString(*text, &spec) || spec.variants_size() == 0 ||
      !spec.name().starts_with(kModels) || !IsResourceId(ModelIdOf(spec)) ||
      !ParseUid(spec.uid()).has_value()) {
    return Damaged(path, "the manifest is damaged");
  }
  return spec;
}

absl::Status CheckManifestFolder(const v1::Model& spec, const std::string& model_dir) {
  const std::string expected = FolderOf(spec);
  if (std::filesystem::path(model_dir).filename() == expected) return absl::OkStatus();
  return absl::DataLossError(
      StrCat(model_dir, "/MODEL: the folder was copied or renamed: it holds ", spec.name(),
             ", whose folder is called ", expected,
             "; give the folder that name, or move it out of the data folder where it is a copy"));
}

absl::StatusOr<v1::Model> ReadManifest(FileSystem& file_system, const std::string& model_dir) {
  absl::StatusOr<v1::Model> spec = ReadAnyManifest(file_system, model_dir);
  if (!spec.ok()) return spec;
  if (absl::Status status = CheckManifestFolder(*spec, model_dir); !status.ok()) return status;
  return spec;
}

std::string_view ModelIdOf(const v1::Model& spec) {
  return std::string_view(spec.name()).substr(spec.name().rfind('/') + 1);
}

uint64_t UidOf(const v1::Model& spec) { return ParseUid(spec.uid()).value_or(0); }

std::string FolderOf(const v1::Model& spec) {
  return ModelFolderName({.model_id = std::string(ModelIdOf(spec)), .uid = UidOf(spec)});
}

}  // namespace freshet
