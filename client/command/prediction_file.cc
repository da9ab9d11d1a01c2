#include "client/command/prediction_file.h"

#include <cerrno>

#include "client/command/text.h"
#include "core/base/json_object.h"
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

void PredictionFile::AddBadRow(uint64_t next_row) {
  const SteadyLock lock(&mu_);
  bad_rows_.push_back(next_row);
}

std::string PredictionFile::TakeBadRows() {
  std::string text;
  for (; !bad_rows_.empty() && bad_rows_.front() <= row_count_; bad_rows_.pop_front()) {
    text += "nan\n";
  }
  return text;
}

void PredictionFile::Write(std::span<const float> predictions) {
  const SteadyLock lock(&mu_);
  std::string text;
  for (const float prediction : predictions) {
    text += TakeBadRows();
    text += ShortestNumber(prediction) + "\n";
    ++row_count_;
  }
  WriteText(text);
}

void PredictionFile::WriteText(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() && status_.ok()) {
    status_ = absl::ErrnoToStatus(errno, StrCat("cannot write to ", path_));
  }
}

absl::Status PredictionFile::Close() {
  const SteadyLock lock(&mu_);
  if (file_ == nullptr) return status_;
  WriteText(TakeBadRows());
  if (std::fclose(file_) != 0 && status_.ok()) {
    status_ = absl::ErrnoToStatus(errno, StrCat("cannot write to ", path_));
  }
  file_ = nullptr;
  return status_;
}

}  // namespace freshet
