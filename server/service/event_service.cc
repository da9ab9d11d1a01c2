#include "server/service/event_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/str_cat.h"
#include "server/record/events_record.h"
#include "server/service/grpc_status.h"
#include "server/service/resource_name.h"

namespace freshet {
namespace {

absl::StatusOr<std::shared_ptr<ServedModel>> FindParent(const ModelRegistry& registry,
                                                        const std::string& parent) {
  const absl::StatusOr<std::string> id = ParseModelName(parent);
  return id.ok() ? registry.Find(*id) : id.status();
}

absl::Status DescribeEvent(const ModelRegistry& registry, const v1::GetEventRequest& request,
                           v1::GetEventResponse& response) {
  if (request.event_id().empty() || request.event_id().size() > kMaxEventIdBytes) {
    return absl::InvalidArgumentError(StrCat("event_id has ", request.event_id().size(),
                                             " bytes; it takes 1 to ", kMaxEventIdBytes));
  }
  const auto model = FindParent(registry, request.parent());
  if (!model.ok()) return model.status();
  absl::StatusOr<v1::Event> event = (*model)->FindEvent(request.event_id());
  if (!event.ok()) return event.status();
  *response.mutable_event() = *std::move(event);
  return absl::OkStatus();
}

absl::Status ListThem(const ModelRegistry& registry, const v1::ListEventsRequest& request,
                      v1::ListEventsResponse& response) {
  if (request.page_size() < 0) return absl::InvalidArgumentError("page_size must be 0 or more");
  if (!v1::EventState_IsValid(request.state())) {
    return absl::InvalidArgumentError(
        StrCat("state is ", static_cast<int>(request.state()), ", which is no state of an event"));
  }
  const auto model = FindParent(registry, request.parent());
  if (!model.ok()) return model.status();
  absl::StatusOr<v1::ListEventsResponse> events = (*model)->ListEvents(request);
  if (!events.ok()) return events.status();
  response = *std::move(events);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* EventServiceImpl::GetEvent(grpc::CallbackServerContext* context,
                                                     const v1::GetEventRequest* request,
                                                     v1::GetEventResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  readers_.Post([this, reactor, request, response] {
    reactor->Finish(ToGrpcStatus(DescribeEvent(registry_, *request, *response)));
  });
  return reactor;
}

grpc::ServerUnaryReactor* EventServiceImpl::ListEvents(grpc::CallbackServerContext* context,
                                                       const v1::ListEventsRequest* request,
                                                       v1::ListEventsResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!gate_.Admit(*context, *request, reactor)) return reactor;
  readers_.Post([this, reactor, request, response] {
    reactor->Finish(ToGrpcStatus(ListThem(registry_, *request, *response)));
  });
  return reactor;
}

}  // namespace freshet
