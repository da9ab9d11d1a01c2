// The events of the last records, before they are put into their table.

#ifndef FRESHET_SERVER_JOIN_RECENT_EVENTS_H_
#define FRESHET_SERVER_JOIN_RECENT_EVENTS_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "server/join/join_entries.h"

namespace freshet {

// Ids come in no order, so each that is put into a sorted table by itself is a walk through memory
// that no cache holds. Here it costs one access; what has gathered is sorted once and becomes a
// file of the table (see JoinStore::AddEvents()).
//
// Thread-safe: one thread adds and clears while others look for events.
class RecentEvents {
 public:
  using Entry = std::pair<std::string_view, EventEntry>;  // An event's id, and where it stands.

  // Events of an id that is there already take its place.
  void Add(const std::vector<std::pair<std::string, EventEntry>>& events) ABSL_LOCKS_EXCLUDED(mu_);

  std::optional<EventEntry> Find(std::string_view id) const ABSL_LOCKS_EXCLUDED(mu_);
  // The events of ids, in their order; nothing for those that are not here.
  std::vector<std::optional<EventEntry>> FindAll(const std::vector<std::string>& ids) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // All events, by id. The ids are those kept here, until Clear(). For the thread that adds.
  std::vector<Entry> Sorted() const ABSL_LOCKS_EXCLUDED(mu_);
  void Clear() ABSL_LOCKS_EXCLUDED(mu_);

  // About the memory in use.
  size_t bytes() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::string_view Keep(std::string_view id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::deque<std::string> id_blocks_ ABSL_GUARDED_BY(mu_);  // Ids one after the other.
  absl::flat_hash_map<std::string_view, EventEntry> events_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_RECENT_EVENTS_H_
