// What the tables of the join say about events.

#ifndef FRESHET_SERVER_JOIN_JOIN_QUERY_H_
#define FRESHET_SERVER_JOIN_JOIN_QUERY_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/event_service.pb.h"
#include "server/join/join_entries.h"
#include "server/join/join_store.h"

namespace freshet {

struct EventPage {
  std::vector<v1::Event> events;
  std::string next_page_token;  // Empty on the last.
};

// See LabelJoin::Find() and List(). REQUIRES: the view is of one moment. `recent` is the event if
// it was among those that were not in the tables yet, before that moment.
absl::StatusOr<v1::Event> FindEvent(const JoinView& view, std::string_view event_id,
                                    const std::optional<EventEntry>& recent);
absl::StatusOr<EventPage> ListEvents(const JoinView& view, v1::EventState state, int page_size,
                                     std::string_view page_token);

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_QUERY_H_
