#include "server/join/recent_events.h"

#include <algorithm>

namespace freshet {
namespace {

constexpr size_t kIdBlockBytes = size_t{64} << 10;

}  // namespace

void RecentEvents::Add(const std::vector<std::pair<std::string, EventEntry>>& events) {
  const absl::MutexLock lock(&mu_);
  for (const auto& [id, event] : events) {
    if (const auto known = events_.find(id); known != events_.end()) {
      known->second = event;
    } else {
      events_.emplace(Keep(id), event);
    }
  }
}

std::string_view RecentEvents::Keep(std::string_view id) {
  if (id_blocks_.empty() || id_blocks_.back().size() + id.size() > id_blocks_.back().capacity()) {
    id_blocks_.emplace_back().reserve(std::max(kIdBlockBytes, id.size()));
  }
  std::string& block = id_blocks_.back();
  block.append(id);
  return std::string_view(block).substr(block.size() - id.size());
}

std::optional<EventEntry> RecentEvents::Find(std::string_view id) const {
  const absl::MutexLock lock(&mu_);
  const auto found = events_.find(id);
  if (found == events_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::optional<EventEntry>> RecentEvents::FindAll(
    const std::vector<std::string>& ids) const {
  std::vector<std::optional<EventEntry>> found(ids.size());
  const absl::MutexLock lock(&mu_);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (const auto it = events_.find(ids[i]); it != events_.end()) found[i] = it->second;
  }
  return found;
}

std::vector<RecentEvents::Entry> RecentEvents::Sorted() const {
  std::vector<Entry> sorted;
  {
    const absl::MutexLock lock(&mu_);
    sorted.assign(events_.begin(), events_.end());
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const Entry& a, const Entry& b) { return a.first < b.first; });
  return sorted;
}

void RecentEvents::Clear() {
  const absl::MutexLock lock(&mu_);
  events_.clear();
  id_blocks_.clear();
}

size_t RecentEvents::bytes() const {
  const absl::MutexLock lock(&mu_);
  return id_blocks_.size() * kIdBlockBytes +
         events_.size() * (sizeof(decltype(events_)::value_type) + 2);
}

}  // namespace freshet
