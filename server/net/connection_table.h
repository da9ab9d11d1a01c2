// Which connections there are, and who may have another.

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
// Whoever can connect can keep connections open, without a token and without a word. So a
// connection has to earn its place: it is silent until a call on it was answered, a stranger until
// one was admitted, and a client from then on. Where there is no room for a new connection, the
// oldest one that is no client yet makes room, once it has had a second to become one; a client
// never does. So whoever opens connections without end only closes his own, and clients from the
// same address get in beside him. What stays silent is closed after a while in any case.
//
// Thread-safe.
class ConnectionTable {
 public:
  struct Limits {
    uint32_t total = 0;
    uint32_t by_address = 0;  // 0: as many as `total`.
  };

  // Each connection has one that no other had.
  using Id = uint64_t;

  // What becomes of a new connection.
  struct Admission {
    std::optional<Id> admitted;  // None: close it.
    std::optional<Id> closes;    // Close this one: it made room.
  };

  using Clock = std::chrono::steady_clock;

  // How long a connection that is no client yet is safe from new ones.
  static constexpr Clock::duration kChance = std::chrono::seconds(1);

  explicit ConnectionTable(Limits limits) : limits_(limits) {}

  // For what was accepted later; those that there are stay.
  void SetLimits(Limits limits);

  // A new connection from `address`, which is empty where that is not counted, as of a Unix socket.
  // `peer` is what tells its calls from those of others; empty: nothing does, and it is a client
  // from the beginning.
  Admission Admit(std::string_view address, std::string_view peer, Clock::time_point now);

  // The connection is closed. Ids that are not known are ignored.
  void Remove(Id id);

  // A call that came from `peer` is answered, or admitted. Cost nothing while all are clients.
  void MarkAnswered(std::string_view peer);
  void MarkClient(std::string_view peer);

  // Whether all connections are clients.
  bool all_are_clients() const { return unproven_count_.load(std::memory_order_relaxed) == 0; }

  // Those that have been silent since `time`, which are not given out again.
  std::vector<Id> TakeSilentSince(Clock::time_point time);

  // Those that are open and were not told to close.
  size_t size() const;

  // What became of connections so far for which there was no room.
  struct Counts {
    uint64_t refused_total = 0;       // At the limit of all.
    uint64_t refused_by_address = 0;  // At that of their address.
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
    bool closing = false;  // Told to close, and not gone yet.
  };
  using Unproven = std::map<Id, Connection*>;  // The oldest first.

  // The oldest connection, of `address` or of all, that makes room at `now`.
  std::optional<Id> OldestUnproven(std::string_view address, Clock::time_point now) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // What it counted for is free.
  void Release(Id id, Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForgetUnproven(Id id, Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  std::atomic<size_t> unproven_count_{0};  // unproven_.size(), read without the lock.

  mutable absl::Mutex mu_;
  Limits limits_ ABSL_GUARDED_BY(mu_);
  Id last_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::unordered_map<Id, Connection> connections_ ABSL_GUARDED_BY(mu_);
  std::unordered_map<std::string, uint32_t> address_counts_ ABSL_GUARDED_BY(mu_);
  std::unordered_map<std::string, Id> peers_ ABSL_GUARDED_BY(mu_);  // Of those in unproven_.
  Unproven unproven_ ABSL_GUARDED_BY(mu_);
  size_t closing_count_ ABSL_GUARDED_BY(mu_) = 0;
  Counts counts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_CONNECTION_TABLE_H_
