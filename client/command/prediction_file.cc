#include "client/command/prediction_file.h"

#include <cerrno>

#include "client/command/text.h"
#include "core/base/str_cat.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<PredictionFile>> PredictionFile::Create(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return absl::ErrnoToStatus(errno, StrCat("cannot write to ", path));
  return std::unique_ptr<PredictionFile>(new PredictionFile(path, file));
}

PredictionFile::~PredictionFile() {
  if (file_ != nullptr) std::fclose(file_);
}

void PredictionFile::Write(std::span<const float> predictions) {
  std::string text;
  for (const float prediction : predictions) text += ShortestNumber(prediction) + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() && status_.ok()) {
    status_ = absl::ErrnoToStatus(errno, StrCat("cannot write to ", path_));
  }
}

absl::Status PredictionFile::Close() {
  if (file_ == nullptr) return status_;
  if (std::fclose(file_) != 0 && status_.ok()) {
    status_ = absl::ErrnoToStatus(errno, StrCat("cannot write to ", path_));
  }
  file_ = nullptr;
  return status_;
}

}  // namespace freshet
