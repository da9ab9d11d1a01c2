#include "server/access/permissions.h"

#include <google/protobuf/descriptor.h>

#include <array>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/server_config.pb.h"
#include "freshet/v1/stats_service.pb.h"

namespace freshet {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The role that a request requires, and which of its fields name the models that it concerns. Such
// a field holds an id, or the name of a model or of something in it. A dot leads into a message.
struct CallRule {
  v1::Token::Role role = v1::Token::ROLE_ADMIN;
  std::vector<std::string_view> models;
  std::string_view optional_model = {};  // A field that is checked unless it is empty.
};

using CallRules = std::unordered_map<const Descriptor*, CallRule>;

template <typename Request>
CallRules::value_type Row(CallRule rule) {
  return {Request::descriptor(), std::move(rule)};
}

const CallRules& Rules() {
  using v1::Token;
  static const auto* const kRules = new CallRules{
      // LearningService
      Row<v1::LearnRequest>({Token::ROLE_LEARN, {"model"}}),
      Row<v1::PredictRequest>({Token::ROLE_PREDICT, {"model"}}),
      Row<v1::FeedbackRequest>({Token::ROLE_LEARN, {"model"}}),
      Row<v1::GetProducerRequest>({Token::ROLE_LEARN, {"model"}}),
      // ModelService
      Row<v1::CreateModelRequest>({Token::ROLE_ADMIN, {"model_id"}, "source_snapshot"}),
      Row<v1::GetModelRequest>({Token::ROLE_READ, {"name"}}),
      Row<v1::ListModelsRequest>({Token::ROLE_READ, {}}),
      Row<v1::UpdateModelRequest>({Token::ROLE_ADMIN, {"model.name"}}),
      Row<v1::DeleteModelRequest>({Token::ROLE_ADMIN, {"name"}}),
      Row<v1::CreateSnapshotRequest>({Token::ROLE_ADMIN, {"parent"}}),
      Row<v1::GetSnapshotRequest>({Token::ROLE_READ, {"name"}}),
      Row<v1::ListSnapshotsRequest>({Token::ROLE_READ, {"parent"}}),
      Row<v1::DeleteSnapshotRequest>({Token::ROLE_ADMIN, {"name"}}),
      Row<v1::RestoreSnapshotRequest>({Token::ROLE_ADMIN, {"name"}}),
      Row<v1::ExportSnapshotRequest>({Token::ROLE_ADMIN, {"name"}}),
      Row<v1::ImportSnapshotRequest>({Token::ROLE_ADMIN, {"parent"}}),
      Row<v1::ComputeDigestRequest>({Token::ROLE_READ, {"name"}}),
      // EventService
      Row<v1::GetEventRequest>({Token::ROLE_READ, {"parent"}}),
      Row<v1::ListEventsRequest>({Token::ROLE_READ, {"parent"}}),
      // StatsService
      Row<v1::ListTopWeightsRequest>({Token::ROLE_READ, {"name"}}),
      Row<v1::ExplainRequest>({Token::ROLE_READ, {"name"}}),
      Row<v1::CompareSnapshotsRequest>({Token::ROLE_READ, {"old_name", "new_name"}}),
  };
  return *kRules;
}

// The dashboard's files are not listed here; they are open.
constexpr std::array<std::pair<std::string_view, PageAccess>, 4> kPages = {{
    {"/healthz", PageAccess::kOpen},
    {"/readyz", PageAccess::kOpen},
    {"/metrics", PageAccess::kRead},
    {"/history", PageAccess::kRead},
}};

std::string Text(const Message& message, std::string_view path) {
  const size_t dot = path.find('.');
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  if (dot == std::string_view::npos) return message.GetReflection()->GetString(message, field);
  return Text(message.GetReflection()->GetMessage(message, field), path.substr(dot + 1));
}

// The id in `models/{model}`, `models/{model}/...` or `{model}`.
std::string_view ModelIdIn(std::string_view name) {
  constexpr std::string_view kModels = "models/";
  if (name.starts_with(kModels)) name.remove_prefix(kModels.size());
  return name.substr(0, name.find('/'));
}

absl::Status CheckOverAllModels(const Caller& caller, v1::Token::Role role) {
  absl::Status status = caller.CheckRole(role);
  return status.ok() ? caller.CheckAllModels() : status;
}

}  // namespace

absl::Status CheckCall(const Caller& caller, const Message& request) {
  if (caller.grant() == nullptr) return absl::OkStatus();
  const auto rule = Rules().find(request.GetDescriptor());
  if (rule == Rules().end()) return CheckOverAllModels(caller, v1::Token::ROLE_ADMIN);
  const auto& [role, models, optional_model] = rule->second;
  if (absl::Status status = caller.CheckRole(role); !status.ok()) return status;
  for (const std::string_view path : models) {
    absl::Status status = caller.CheckModel(ModelIdIn(Text(request, path)));
    if (!status.ok()) return status;
  }
  if (optional_model.empty()) return absl::OkStatus();
  const std::string name = Text(request, optional_model);
  return name.empty() ? absl::OkStatus() : caller.CheckModel(ModelIdIn(name));
}

absl::Status CheckPage(const Caller& caller, PageAccess access) {
  switch (access) {
    case PageAccess::kOpen:
      return absl::OkStatus();
    case PageAccess::kRead:
      return CheckOverAllModels(caller, v1::Token::ROLE_READ);
    case PageAccess::kUnknown:
      break;
  }
  return CheckOverAllModels(caller, v1::Token::ROLE_ADMIN);
}

PageAccess PageAccessOf(std::string_view path) {
  for (const auto& [page, access] : kPages) {
    if (page == path) return access;
  }
  return PageAccess::kUnknown;
}

}  // namespace freshet
