#include "server/model/model_manifest.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "absl/strings/str_format.h"
#include "core/base/str_cat.h"
#include "server/file/checksum.h"
#include "server/file/file_status.h"
#include "server/file/model_folder.h"
#include "server/file/resource_id.h"
#include "server/file/small_file.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

constexpr std::string_view kModels = "models/";

// The line that stands before this text.
std::string ChecksumLine(std::string_view text) {
  return absl::StrFormat("# freshet manifest, XXH3-64 of what follows: %016x\n",
                         Checksum(std::as_bytes(std::span(text))));
}

// Keeps the first error of a parser.
class SilentErrors : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (first_.empty()) first_ = StrCat("line ", line + 1, ", column ", column + 1, ": ", message);
  }

  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

}  // namespace

std::string FormatManifest(const v1::Model& spec) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(spec, &text);
  return StrCat(ChecksumLine(text), text);
}

absl::StatusOr<Manifest> ParseManifest(std::string_view text) {
  Manifest manifest;
  // A comment can only be that line, so that one that is damaged is not passed over.
  if (text.starts_with('#')) {
    manifest.has_checksum = true;
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (text.substr(0, end) != ChecksumLine(text.substr(end))) {
      return absl::DataLossError("the manifest is damaged: its checksum does not hold");
    }
    text.remove_prefix(end);
  }
  // Its own messages would go to the log, a line for each word.
  google::protobuf::TextFormat::Parser parser;
  SilentErrors errors;
  parser.RecordErrorsTo(&errors);
  if (!parser.ParseFromString(std::string(text), &manifest.spec)) {
    return absl::DataLossError(StrCat("the manifest is damaged: ", errors.first()));
  }
  if (absl::Status status = CheckSpec(manifest.spec); !status.ok()) return status;
  return manifest;
}

absl::Status CheckSpec(const v1::Model& spec) {
  const auto damaged = [](std::string_view reason) {
    return absl::DataLossError(StrCat("the manifest is damaged: ", reason));
  };
  if (!spec.name().starts_with(kModels) || !IsResourceId(ModelIdOf(spec))) {
    return damaged("it has no name of a model");
  }
  if (!ParseUid(spec.uid()).has_value()) return damaged("its uid is none");
  if (spec.durability() == v1::DURABILITY_UNSPECIFIED ||
      !v1::Durability_IsValid(spec.durability())) {
    return damaged("its durability is none");
  }
  if (spec.variants().empty()) return damaged("it has no variants");
  for (const v1::Variant& variant : spec.variants()) {
    const absl::Status status = ResolveLearnerSpec(variant.learner()).status();
    if (!status.ok()) return damaged(ToStd(status.message()));
  }
  return absl::OkStatus();
}

bool MayLackLog(const v1::Model& spec, uint64_t snapshot_offset) {
  return UidOf(spec) == 0 && snapshot_offset == 0;
}

absl::StatusOr<Manifest> ReadManifestFile(FileSystem& file_system, const std::string& model_dir) {
  const std::string path = StrCat(model_dir, "/", kManifestName);
  const absl::StatusOr<std::string> text = ReadSmallFile(file_system, path);
  if (absl::IsNotFound(text.status())) {
    return absl::DataLossError(StrCat(path, ": the manifest is missing"));
  }
  if (!text.ok()) return text.status();
  absl::StatusOr<Manifest> manifest = ParseManifest(*text);
  if (!manifest.ok()) return WithContext(path, manifest.status());
  return manifest;
}

absl::Status CheckManifestFolder(const v1::Model& spec, const std::string& model_dir) {
  const std::string expected = FolderOf(spec);
  if (std::filesystem::path(model_dir).filename() == expected) return absl::OkStatus();
  return absl::DataLossError(
      StrCat(model_dir, "/MODEL: the folder was copied or renamed: it holds ", spec.name(),
             ", whose folder is called ", expected,
             "; give the folder that name, or move it out of the data folder where it is a copy"));
}

std::string_view ModelIdOf(const v1::Model& spec) { return LastId(spec.name()); }

uint64_t UidOf(const v1::Model& spec) { return ParseUid(spec.uid()).value_or(0); }

std::string FolderOf(const v1::Model& spec) {
  return ModelFolderName({.model_id = std::string(ModelIdOf(spec)), .uid = UidOf(spec)});
}

}  // namespace freshet
