// Formats events as text for people.

#ifndef FRESHET_CLIENT_COMMAND_EVENT_TEXT_H_
#define FRESHET_CLIENT_COMMAND_EVENT_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "freshet/v1/event_service.pb.h"

namespace freshet {

// "pending", "matched", "defaulted", "dropped", "late", "corrected".
std::vector<std::string> EventStateNames();
// "" for EVENT_STATE_UNSPECIFIED and unknown values.
std::string EventStateName(v1::EventState state);
// INVALID_ARGUMENT if no state has the name.
absl::StatusOr<v1::EventState> ParseEventState(std::string_view name);

// All that is known of an event, on several aligned lines.
std::string DescribeEvent(const v1::Event& event);

// A table with one line per event and column titles.
std::string EventTable(const std::vector<v1::Event>& events);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_EVENT_TEXT_H_
