// Calls the server's own gRPC services within the process.

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

// Calls go through the same path as those of other clients, so that checks, limits and counters for
// calls exist only once. Thread-safe.
class RpcCaller {
 public:
  using Metadata = std::multimap<std::string, std::string>;
  // Takes the status and, if it is OK, the serialized answer. Called once, usually on a thread of
  // gRPC, which it must not block.
  using Done = std::function<void(absl::Status status, grpc::ByteBuffer answer)>;

  // `channel` leads to the services. Calls that take longer than `timeout` end with
  // DEADLINE_EXCEEDED.
  RpcCaller(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout);

  // REQUIRES: Stop() was called.
  ~RpcCaller() = default;

  RpcCaller(const RpcCaller&) = delete;
  RpcCaller& operator=(const RpcCaller&) = delete;

  // Makes a call with one request and one answer: to a unary method, or to a streaming method that
  // answers its only request once. Returns at once. REQUIRES: `metadata` is printable ASCII, with
  // lower-case names.
  void Call(const std::string& method, const grpc::ByteBuffer& request, const Metadata& metadata,
            Done done);

  // Cancels the calls in progress and waits until all have ended. Later calls end at once. All of
  // these end with CANCELLED.
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
