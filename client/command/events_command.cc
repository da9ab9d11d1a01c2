// freshet events.

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "client/command/command.h"
#include "client/command/event_text.h"
#include "client/command/text.h"
#include "core/base/str_cat.h"
#include "freshet/v1/event_service.pb.h"

namespace freshet {
namespace {

struct EventsArguments {
  std::string model;
  std::string event_id;
  std::string state;
  bool pending = false;
  uint64_t limit = 50;
};

absl::Status GetEvent(const CommandContext& context, const EventsArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto event = (*client)->GetEvent(arguments.model, arguments.event_id);
  if (!event.ok()) return event.status();
  std::cout << (context.json ? ProtoJson(*event) : DescribeEvent(*event));
  return absl::OkStatus();
}

absl::Status ListEvents(const CommandContext& context, const EventsArguments& arguments) {
  ListEventsOptions options{.limit = arguments.limit};
  const std::string state = arguments.pending ? "pending" : arguments.state;
  if (!state.empty()) {
    const absl::StatusOr<v1::EventState> parsed = ParseEventState(state);
    if (!parsed.ok()) return parsed.status();
    options.state = *parsed;
  }
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto events = (*client)->ListEvents(arguments.model, options);
  if (!events.ok()) return events.status();
  if (context.json) {
    v1::ListEventsResponse response;
    for (const v1::Event& event : *events) *response.add_events() = event;
    std::cout << ProtoJson(response);
    return absl::OkStatus();
  }
  if (events->empty()) {
    std::cout << "no " << state << (state.empty() ? "" : " ") << "events\n";
    return absl::OkStatus();
  }
  std::cout << EventTable(*events);
  return absl::OkStatus();
}

}  // namespace

void AddEventsCommand(CLI::App& app, CommandContext& context) {
  CLI::App* events = app.add_subcommand("events", "Show what became of a model's events");
  events->require_subcommand(1);
  events->footer("'freshet events COMMAND --help' describes a command.");

  const auto got = std::make_shared<EventsArguments>();
  CLI::App* get = events->add_subcommand(
      "get", "Show an event: its features, scores, feedback, and as what it was learned");
  get->footer("Example: freshet events get ads impression-17");
  get->add_option("model", got->model, "The model")->required()->type_name("MODEL");
  get->add_option("id", got->event_id, "The event's id")->required()->type_name("ID");
  get->callback(
      [&context, got] { context.action = [&context, got] { return GetEvent(context, *got); }; });

  const auto listed = std::make_shared<EventsArguments>();
  CLI::App* list = events->add_subcommand("list", "List events, oldest first");
  list->alias("ls");
  list->footer("Example: freshet events list ads --state late --limit 10");
  list->add_option("model", listed->model, "The model")->required()->type_name("MODEL");
  CLI::Option* state =
      list->add_option("--state", listed->state,
                       "Only events in this state: pending, matched, defaulted, dropped, late or "
                       "corrected")
          ->type_name("STATE");
  list->add_flag("--pending", listed->pending, "Only events that wait: --state pending")
      ->excludes(state);
  list->add_option("--limit", listed->limit, "At most this many events")
      ->type_name("N")
      ->capture_default_str();
  list->callback([&context, listed] {
    context.action = [&context, listed] { return ListEvents(context, *listed); };
  });
}

}  // namespace freshet
