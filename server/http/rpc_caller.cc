#include "server/http/rpc_caller.h"

#include <grpc/support/time.h>

#include <utility>
#include <vector>

namespace freshet {

struct RpcCaller::UnderWay {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer answer;
  Done done;
};

RpcCaller::RpcCaller(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
    : timeout_(timeout), stub_(std::move(channel)) {}

void RpcCaller::Stop() {
  std::vector<std::shared_ptr<UnderWay>> calls;
  {
    const absl::MutexLock lock(&mu_);
    stopped_ = true;
    calls.assign(under_way_.begin(), under_way_.end());
  }
  for (const std::shared_ptr<UnderWay>& call : calls) call->context.TryCancel();
  calls.clear();
  const auto none_left = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return under_way_.empty(); };
  mu_.LockWhen(absl::Condition(&none_left));
  mu_.Unlock();
}

void RpcCaller::Call(const std::string& method, const grpc::ByteBuffer& request,
                     const Metadata& metadata, Done done) {
  const auto call = std::make_shared<UnderWay>();
  call->request = request;
  call->done = std::move(done);
  for (const auto& [name, value] : metadata) call->context.AddMetadata(name, value);
  // The monotonic clock, so that setting the system's clock has no effect.
  call->context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(absl::ToInt64Milliseconds(timeout_), GPR_TIMESPAN)));
  bool stopped = false;
  {
    const absl::MutexLock lock(&mu_);
    stopped = stopped_;
    if (!stopped) under_way_.insert(call);
  }
  if (stopped) {
    call->done(absl::CancelledError("the server is stopping"), grpc::ByteBuffer());
    return;
  }
  stub_.UnaryCall(&call->context, method, grpc::StubOptions(), &call->request, &call->answer,
                  [this, call](const grpc::Status& status) { End(call, status); });
}

void RpcCaller::End(const std::shared_ptr<UnderWay>& call, const grpc::Status& status) {
  call->done(
      absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message()),
      call->answer);
  call->done = nullptr;
  const absl::MutexLock lock(&mu_);
  under_way_.erase(call);
}

}  // namespace freshet
