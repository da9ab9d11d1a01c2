// Calls the server's own services as any client does, within the process.

#ifndef FRESHET_SERVER_HTTP_RPC_CALLER_H_
#define FRESHET_SERVER_HTTP_RPC_CALLER_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace freshet {

// So that whatever guards and counts calls does it for all of them, once. Thread-safe.
class RpcCaller {
 public:
  using Metadata = std::multimap<std::string, std::string>;
  // Takes the answer, serialised, where the status is OK. Called once, usually on a thread of gRPC,
  // which it must not hold up.
  using Done = std::function<void(absl::Status status, grpc::ByteBuffer answer)>;

  // Calls that take longer than `timeout` end with DEADLINE_EXCEEDED.
  RpcCaller(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout);

  // REQUIRES: Stop() was called.
  ~RpcCaller() = default;

  RpcCaller(const RpcCaller&) = delete;
  RpcCaller& operator=(const RpcCaller&) = delete;

  // Makes a call of one request and one answer: of a unary method, or of a stream that answers the
  // one request once. Returns at once.
  // REQUIRES: what stands in `metadata` is printable ASCII, the names in small letters.
  void Call(const std::string& method, const grpc::ByteBuffer& request, const Metadata& metadata,
            Done done);

  // Cancels the calls under way, and waits until all have ended; those that are made later end at
  // once. All with CANCELLED.
  void Stop();

 private:
  struct UnderWay;

  void End(const std::shared_ptr<UnderWay>& call, const grpc::Status& status);

  const absl::Duration timeout_;
  grpc::GenericStub stub_;

  absl::Mutex mu_;
  std::unordered_set<std::shared_ptr<UnderWay>> under_way_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_RPC_CALLER_H_
