// The implementation of EventService, which shows what became of events; see
// proto/freshet/v1/event_service.proto.

#ifndef FRESHET_SERVER_SERVICE_EVENT_SERVICE_H_
#define FRESHET_SERVER_SERVICE_EVENT_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "freshet/v1/event_service.grpc.pb.h"
#include "server/registry/model_registry.h"
#include "server/service/call_gate.h"
#include "server/service/request_traits.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// gRPC's threads only identify the caller; the work, which reads the disk, runs on the reader pool.
// Thread-safe.
class EventServiceImpl final
    : public v1::EventService::WithCallbackMethod_GetEvent<
          v1::EventService::WithCallbackMethod_ListEvents<v1::EventService::Service>> {
 public:
  // Keeps references to all arguments.
  EventServiceImpl(const CallGate& gate, ModelRegistry& registry, WorkerPool& readers)
      : gate_(gate), registry_(registry), readers_(readers) {}

  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext* context,
                                     const v1::GetEventRequest* request,
                                     v1::GetEventResponse* response) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override;

 private:
  const CallGate& gate_;
  ModelRegistry& registry_;
  WorkerPool& readers_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_EVENT_SERVICE_H_
