// The open connections, and the decision whether a new one is admitted.

#ifndef FRESHET_SERVER_NET_CONNECTION_TABLE_H_
#define FRESHET_SERVER_NET_CONNECTION_TABLE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace freshet {

// Counts connections, overall and by the address that they come from.
//
// Anybody who can connect can keep connections open, even without a token and without sending
// anything. So a connection has to earn its place: it is silent until a call on it has been
// answered, a stranger until a call has been admitted, and a client from then on. If there is no
// room for a new connection, the oldest connection that is not a client yet is closed, provided
// that it has had a second to become one; a client is never closed for a new connection. So an
// attacker who keeps opening connections only closes their own, and clients from the same address
// still get in. A connection that stays silent is closed after a while in any case.
//
// Thread-safe.
class ConnectionTable {
 public:
  struct Limits {
    uint32_t total = 0;
    uint32_t by_address = 0;  // 0: as many as `total`.
  };

  // Identifies a connection; never reused.
  using Id = uint64_t;

  // The decision on a new connection.
  struct Admission {
    std::optional<Id> admitted;  // Empty: refuse the new connection.
    std::optional<Id> closes;    // Close this connection, which makes room.
  };

  using Clock = std::chrono::steady_clock;

  // How long a new connection has to become a client before it can be closed for another one.
  static constexpr Clock::duration kChance = std::chrono::seconds(1);

  explicit ConnectionTable(Limits limits) : limits_(limits) {}

  // The new limits apply to connections that are accepted later; open ones stay.
  void SetLimits(Limits limits);

  // Decides on a new connection. `address` is the address to count it under; empty: counted under
  // none, as for Unix sockets. `peer` is the name by which calls on this connection are recognized;
  // empty: they cannot be, so it counts as a client from the beginning.
  Admission Admit(std::string_view address, std::string_view peer, Clock::time_point now);

  // To be called when the connection is closed. Unknown ids are ignored.
  void Remove(Id id);

  // To be called when a call from `peer` has been answered, and when one has been admitted. Take no
  // lock while all connections are clients.
  void MarkAnswered(std::string_view peer);
  void MarkClient(std::string_view peer);

  // Whether all connections are clients.
  bool all_are_clients() const { return unproven_count_.load(std::memory_order_relaxed) == 0; }

  // Connections that were opened at or before `time` and are still silent, for the caller to close.
  // Each is returned once.
  std::vector<Id> TakeSilentSince(Clock::time_point time);

  // Open connections, without those that are being closed.
  size_t size() const;

  // Totals of connections that were refused or closed.
  struct Counts {
    uint64_t refused_total = 0;       // At the total limit.
    uint64_t refused_by_address = 0;  // At the limit of their address.
    uint64_t made_room = 0;           // Closed for a newer one.
    uint64_t silent = 0;              // Closed because no call came in time.
  };
  Counts counts() const;

 private:
  struct Connection {
    std::string address;
    std::string peer;
    Clock::time_point since;
    bool silent = true;
    bool closing = false;  // Told to close, but not closed yet.
  };
  using Unproven = std::map<Id, Connection*>;  // Oldest first.

  // The oldest connection that can be closed at `now`; only of `address` unless that is empty.
  std::optional<Id> OldestUnproven(std::string_view address, Clock::time_point now) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Stops counting the connection towards its address and the unproven ones.
  void Release(Id id, Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForgetUnproven(Id id, Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  std::atomic<size_t> unproven_count_{0};  // unproven_.size(), read without the lock.

  mutable absl::Mutex mu_;
  Limits limits_ ABSL_GUARDED_BY(mu_);
  Id last_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::unordered_map<Id, Connection> connections_ ABSL_GUARDED_BY(mu_);
  std::unordered_map<std::string, uint32_t> address_counts_ ABSL_GUARDED_BY(mu_);
  std::unordered_map<std::string, Id> peers_ ABSL_GUARDED_BY(mu_);  // Ids of the connections in
                                                                    // unproven_.
  Unproven unproven_ ABSL_GUARDED_BY(mu_);
  size_t closing_count_ ABSL_GUARDED_BY(mu_) = 0;
  Counts counts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_CONNECTION_TABLE_H_
