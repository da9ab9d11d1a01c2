#include "server/model/file_gate.h"

namespace freshet {

absl::StatusOr<FileGate::Pass> FileGate::Enter() {
  const absl::MutexLock lock(&mu_);
  if (!closed_.ok()) return closed_;
  ++passes_;
  return Pass(this);
}

void FileGate::Close(absl::Status reason, std::function<void()> alone) {
  {
    const absl::MutexLock lock(&mu_);
    closed_ = std::move(reason);
    if (passes_ > 0) {
      alone_ = std::move(alone);
      return;
    }
  }
  alone();
}

void FileGate::Open() {
  const absl::MutexLock lock(&mu_);
  closed_ = absl::OkStatus();
}

void FileGate::Leave() {
  std::function<void()> alone;
  {
    const absl::MutexLock lock(&mu_);
    if (--passes_ == 0) alone = std::exchange(alone_, nullptr);
  }
  if (alone) alone();
}

}  // namespace freshet
