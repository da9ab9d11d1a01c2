#include "server/net/connection_table.h"

#include <algorithm>
#include <utility>

namespace freshet {
namespace {

// How many connections may be in the process of closing; they come on top of the limit. gRPC takes
// a moment to close a connection.
constexpr size_t kMaxClosing = 64;

}  // namespace

void ConnectionTable::SetLimits(Limits limits) {
  absl::MutexLock lock(&mu_);
  limits_ = limits;
}

std::optional<ConnectionTable::Id> ConnectionTable::OldestUnproven(std::string_view address,
                                                                   Clock::time_point now) const {
  for (const auto& [id, connection] : unproven_) {
    if (connection->since > now - kChance) break;  // All that follow are younger still.
    if (address.empty() || connection->address == address) return id;
  }
  return std::nullopt;
}

ConnectionTable::Admission ConnectionTable::Admit(std::string_view address, std::string_view peer,
                                                  Clock::time_point now) {
  absl::MutexLock lock(&mu_);
  Admission admission;
  const auto count = address_counts_.find(std::string(address));
  const bool address_is_full = limits_.by_address != 0 && count != address_counts_.end() &&
                               count->second >= limits_.by_address;
  const bool is_full = connections_.size() - closing_count_ >= limits_.total;
  if (address_is_full || is_full) {
    const std::optional<Id> oldest =
        OldestUnproven(address_is_full ? address : std::string_view(), now);
    if (!oldest || closing_count_ >= kMaxClosing) {
      ++(address_is_full ? counts_.refused_by_address : counts_.refused_total);
      return admission;
    }
    ++counts_.made_room;
    Connection& connection = connections_.at(*oldest);
    Release(*oldest, connection);
    connection.closing = true;
    ++closing_count_;
    admission.closes = oldest;
  }
  const Id id = ++last_id_;
  Connection& connection = connections_
                               .try_emplace(id, Connection{.address = std::string(address),
                                                           .peer = std::string(peer),
                                                           .since = now,
                                                           .silent = !peer.empty()})
                               .first->second;
  if (!address.empty()) ++address_counts_[connection.address];
  if (!peer.empty()) {
    peers_[connection.peer] = id;
    unproven_[id] = &connection;
    unproven_count_.store(unproven_.size(), std::memory_order_relaxed);
  }
  admission.admitted = id;
  return admission;
}

void ConnectionTable::ForgetUnproven(Id id, Connection& connection) {
  if (unproven_.erase(id) == 0) return;
  unproven_count_.store(unproven_.size(), std::memory_order_relaxed);
  // A newer connection may already have the same peer name, since ports are reused.
  const auto peer = peers_.find(connection.peer);
  if (peer != peers_.end() && peer->second == id) peers_.erase(peer);
}

void ConnectionTable::Release(Id id, Connection& connection) {
  ForgetUnproven(id, connection);
  const auto count = address_counts_.find(connection.address);
  if (count != address_counts_.end() && --count->second == 0) address_counts_.erase(count);
}

void ConnectionTable::Remove(Id id) {
  absl::MutexLock lock(&mu_);
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (found->second.closing) {
    --closing_count_;
  } else {
    Release(id, found->second);
  }
  connections_.erase(found);
}

void ConnectionTable::MarkAnswered(std::string_view peer) {
  if (all_are_clients()) return;
  absl::MutexLock lock(&mu_);
  const auto found = peers_.find(std::string(peer));
  if (found != peers_.end()) connections_.at(found->second).silent = false;
}

void ConnectionTable::MarkClient(std::string_view peer) {
  if (all_are_clients()) return;
  absl::MutexLock lock(&mu_);
  const auto found = peers_.find(std::string(peer));
  if (found == peers_.end()) return;
  const Id id = found->second;
  Connection& connection = connections_.at(id);
  connection.silent = false;
  ForgetUnproven(id, connection);
}

std::vector<ConnectionTable::Id> ConnectionTable::TakeSilentSince(Clock::time_point time) {
  absl::MutexLock lock(&mu_);
  std::vector<Id> silent;
  for (const auto& [id, connection] : unproven_) {
    if (connection->since > time) break;
    if (connection->silent) silent.push_back(id);
  }
  counts_.silent += silent.size();
  for (const Id id : silent) {
    Connection& connection = connections_.at(id);
    Release(id, connection);
    connection.closing = true;
    ++closing_count_;
  }
  return silent;
}

size_t ConnectionTable::size() const {
  absl::MutexLock lock(&mu_);
  return connections_.size() - closing_count_;
}

ConnectionTable::Counts ConnectionTable::counts() const {
  absl::MutexLock lock(&mu_);
  return counts_;
}

}  // namespace freshet
