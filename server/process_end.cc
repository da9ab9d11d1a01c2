#include "server/process_end.h"

#include <cstdlib>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {

void ProcessEnd::SetServer(Server* server) {
  const absl::MutexLock lock(&mu_);
  server_ = server;
  if (server_ != nullptr && asked_) server_->CancelRecovery();
}

void ProcessEnd::AwaitStop() { const absl::MutexLock lock(&mu_, absl::Condition(&asked_)); }

void ProcessEnd::Enter(std::string_view step) {
  const absl::MutexLock lock(&mu_);
  step_ = step;
}

void ProcessEnd::SetLost(const std::vector<LostRecords>& lost) {
  const absl::MutexLock lock(&mu_);
  lost_ = lost;
  server_ = nullptr;
}

Server* ProcessEnd::server() const {
  const absl::MutexLock lock(&mu_);
  return server_;
}

absl::Duration ProcessEnd::Stop() {
  const absl::MutexLock lock(&mu_);
  asked_ = true;
  if (server_ != nullptr) {
    drain_grace_s_ = server_->drain_grace_s();
    server_->CancelRecovery();
  }
  return absl::Seconds(drain_grace_s_) + kTimeBeyondGrace;
}

SignalThread::Ending ProcessEnd::Overdue() {
  const absl::MutexLock lock(&mu_);
  const std::vector<LostRecords> lost = server_ != nullptr ? server_->Lost() : lost_;
  SignalThread::Ending ending;
  ending.message =
      StrCat("event=stop_forced step=", JsonString(step_), " drain_grace_s=", drain_grace_s_);
  if (!lost.empty()) {
    ending.exit_code = kExitLost;
    ending.message += StrCat(" lost=\"", DescribeLost(lost), "\"");
  }
  return ending;
}

}  // namespace freshet
