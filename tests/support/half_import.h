// A client that has begun to send a snapshot and not finished.

#ifndef FRESHET_TESTS_SUPPORT_HALF_IMPORT_H_
#define FRESHET_TESTS_SUPPORT_HALF_IMPORT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "client/client.h"
#include "freshet/v1/model_service.grpc.pb.h"

namespace freshet {

class HalfImport {
 public:
  // Sends the first message and nothing more. Does not use the client after construction.
  HalfImport(const Client& client, const v1::ImportSnapshotRequest& first)
      : stub_(v1::ModelService::NewStub(client.channel())),
        writer_(stub_->ImportSnapshot(&context_, &response_)),
        is_sent_(writer_->Write(first)) {}
  // The same for an existing model.
  HalfImport(const Client& client, const std::string& model, const std::string& data)
      : HalfImport(client, [&] {
          v1::ImportSnapshotRequest first;
          first.set_parent("models/" + model);
          first.set_data(data);
          return first;
        }()) {}

  HalfImport(const HalfImport&) = delete;
  HalfImport& operator=(const HalfImport&) = delete;

  bool is_sent() const { return is_sent_; }
  void Cancel() { context_.TryCancel(); }
  // Waits for the server's answer. May be called once.
  grpc::Status Finish() { return writer_->Finish(); }

 private:
  grpc::ClientContext context_;
  v1::ImportSnapshotResponse response_;
  const std::unique_ptr<v1::ModelService::Stub> stub_;
  const std::unique_ptr<grpc::ClientWriter<v1::ImportSnapshotRequest>> writer_;
  const bool is_sent_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_HALF_IMPORT_H_
