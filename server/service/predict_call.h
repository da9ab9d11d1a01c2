// The handling of one Predict call.

#ifndef FRESHET_SERVER_SERVICE_PREDICT_CALL_H_
#define FRESHET_SERVER_SERVICE_PREDICT_CALL_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "freshet/v1/learning_service.pb.h"
#include "server/access/caller.h"
#include "server/codec/batch_rows.h"
#include "server/codec/decoded_batch.h"
#include "server/model/served_model.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/service/unlearned_rows.h"
#include "server/service/unlogged_events.h"
#include "server/thread/turn_queue.h"
#include "server/view/served_variant.h"

namespace freshet {

// A small call is answered on gRPC's thread before Begin() returns. A call that is large in bytes
// or in features, counting those that the model makes of them, is parsed, checked and predicted in
// turns with other long calls, so that small calls do not wait for it. It ends early if its client
// has gone.
//
// Rows that become events are logged after the answer, unless the caller waits for the log: on the
// turn queue, since gRPC sends the answer of a small call only once Begin() has returned. If too
// much waits there, they are logged before the answer, which slows the callers down.
//
// Used by one thread at a time. Lives until the call has ended.
class PredictCall : public std::enable_shared_from_this<PredictCall> {
 public:
  // What all calls share. Must outlive them.
  struct Service {
    const CallGate& gate;
    const ModelRegistry& registry;
    BatchLimits limits;
    TurnQueue& turns;
    const std::function<absl::Time()>& clock;
    UnloggedEvents& unlogged;
  };

  // Serves a call of a raw unary method.
  static grpc::ServerUnaryReactor* Begin(const Service& service,
                                         grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response);

  PredictCall(const Service& service, Caller caller, grpc::CallbackServerContext& context,
              grpc::ServerUnaryReactor* reactor, const grpc::ByteBuffer* request,
              grpc::ByteBuffer* response)
      : service_(service),
        caller_(std::move(caller)),
        context_(context),
        reactor_(reactor),
        request_bytes_(request),
        request_size_(request->Length()),
        response_bytes_(response) {}

 private:
  // The next step of the call, in this order.
  enum class Stage { kParse, kDecode, kCount, kPredict, kDone };

  // Handles the call completely if it is small. Returns whether it is done.
  bool RunInPlace();
  // Works on the call until the turn is over. Returns whether there is more to do.
  bool RunTurn(const Turn& turn);
  // Does a part of the current stage. In kCount and kPredict that is about the work of `features`
  // features.
  absl::Status Advance(uint64_t features);
  absl::Status Parse();
  absl::Status Decode();
  absl::Status Count(uint64_t features);
  void PredictRows(uint64_t features);
  // Answers the call, and logs the rows that become events.
  void End(const absl::Status& status, bool in_place);
  void Answer(const absl::Status& status);
  // Checks the rows that become events, and whether the model takes them.
  absl::Status BeginEvents();
  // The answer says that no row becomes an event.
  void DropEvents();
  // Takes the rows from the request and gives them to the model. `done` as for
  // ServedModel::TakeEvents(). REQUIRES: all rows are predicted.
  void LogEvents(ServedModel::LearnCallback done);
  void LogAndAnswer();
  void LogAfterAnswer();
  // Logs the rows, which are counted among those that are not logged yet.
  void LogCounted();
  void NoteUnlearnedRows();

  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const Service& service_;
  const Caller caller_;
  grpc::CallbackServerContext& context_;
  grpc::ServerUnaryReactor* const reactor_;
  const grpc::ByteBuffer* const request_bytes_;
  const uint64_t request_size_;
  grpc::ByteBuffer* const response_bytes_;

  Stage stage_ = Stage::kParse;
  v1::PredictRequest request_;
  DecodedBatch batch_;
  VariantView view_;  // What all rows are decoded for and predicted with.
  size_t next_row_ = 0;
  BatchRows rows_;
  UnlearnedRows unlearned_;
  v1::PredictResponse response_;

  // Of rows that become events.
  std::shared_ptr<ServedModel> model_;  // Null if none do, or none can.
  v1::LearnRequest events_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_PREDICT_CALL_H_
