// The tables of the join on disk: one RocksDB in a folder. Only these two files know RocksDB.

#ifndef FRESHET_SERVER_JOIN_JOIN_STORE_H_
#define FRESHET_SERVER_JOIN_JOIN_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/join/join_entries.h"

namespace rocksdb {
class Status;
}

namespace freshet {

// The tables; FORMAT.md says what they hold.
enum class JoinTable { kMeta, kEvents, kRecords, kRows, kFeedback, kQueue, kHeld, kHeldOrder };
inline constexpr size_t kJoinTables = 8;

// Changes that are written together or not at all. Not thread-safe.
class JoinWrite {
 public:
  void Put(JoinTable table, std::string key, std::string value) {
    changes_.push_back({table, std::move(key), std::move(value)});
  }
  void Delete(JoinTable table, std::string key) {
    changes_.push_back({table, std::move(key), std::nullopt});
  }

 private:
  friend class JoinStore;
  struct Change {
    JoinTable table;
    std::string key;
    std::optional<std::string> value;  // Absent: the key is deleted.
  };
  std::vector<Change> changes_;
};

// A RocksDB that is open.
struct OpenJoinTables;

// Walks through a table in the order of its keys. Not thread-safe.
class JoinScan {
 public:
  ~JoinScan();
  JoinScan(JoinScan&&) noexcept;
  JoinScan(const JoinScan&) = delete;
  JoinScan& operator=(const JoinScan&) = delete;

  // Whether it stands at an entry. If not, the end was reached, or status() says what failed.
  bool valid() const;
  std::string_view key() const;
  std::string_view value() const;
  void Next();
  absl::Status status() const;

 private:
  friend class JoinView;
  struct Rep;
  explicit JoinScan(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

// The tables as they are at one moment (of a store's NewView()), or as they are now (of Now()).
// Errors: UNAVAILABLE if the disk cannot be read, DATA_LOSS if what it holds is damaged.
// Thread-safe.
class JoinView {
 public:
  ~JoinView();
  JoinView(JoinView&&) noexcept;
  JoinView(const JoinView&) = delete;
  JoinView& operator=(const JoinView&) = delete;

  // The value of a key; nothing if there is none.
  absl::StatusOr<std::optional<std::string>> Get(JoinTable table, std::string_view key) const;
  // The values of keys, in their order.
  absl::StatusOr<std::vector<std::optional<std::string>>> GetAll(
      JoinTable table, const std::vector<std::string>& keys) const;
  // From the first key that is not less than `begin`.
  JoinScan Scan(JoinTable table, std::string_view begin) const;

 private:
  friend class JoinStore;
  JoinView(std::shared_ptr<OpenJoinTables> tables, bool snapshot);
  std::shared_ptr<OpenJoinTables> tables_;
  const void* snapshot_ = nullptr;  // Null: as the tables are now.
};

// Thread-safe: one thread writes and reopens while others read and sync.
class JoinStore {
 public:
  struct Options {
    std::string dir;
    size_t cache_bytes = size_t{64} << 20;         // For blocks, indexes and filters.
    size_t write_buffer_bytes = size_t{32} << 20;  // Of all tables, in memory.
  };

  // Opens the tables, or makes empty ones. DATA_LOSS if what is there cannot be used; UNAVAILABLE
  // if the disk refuses something or another process has the folder.
  static absl::StatusOr<std::unique_ptr<JoinStore>> Open(Options options);

  // Removes the folder with all that is in it. REQUIRES: it is not open.
  static absl::Status Remove(const std::string& dir);

  // A moment of the tables. UNAVAILABLE while they could not be opened again.
  absl::StatusOr<JoinView> NewView() const { return MakeView(true); }
  absl::StatusOr<JoinView> Now() const { return MakeView(false); }

  // Survives the end of the process. After an error Reopen() comes before the next Write(); the
  // changes may turn out to have been written then.
  absl::Status Write(const JoinWrite& write);

  // Puts events, sorted by id, into table `events`, in place of those of the same ids. Survives a
  // loss of power; what was written before need not (see Sync()). After an error as for Write().
  absl::Status AddEvents(const std::vector<std::pair<std::string_view, EventEntry>>& events);

  // Whether a write failed since the tables were opened.
  bool needs_reopen() const;
  // Closes the tables and opens them again. UNAVAILABLE also while somebody reads.
  absl::Status Reopen();

  // What was written survives a loss of power from now on.
  absl::Status Sync();

  // Events of records before `record_ms`, and events with own times before `stream_ms`, are read by
  // nobody any more, even if the last changes were lost: compaction leaves them out.
  void DropEvents(int64_t record_ms, int64_t stream_ms);

  const std::string& dir() const { return options_.dir; }

 private:
  explicit JoinStore(Options options);
  absl::StatusOr<JoinView> MakeView(bool snapshot) const;
  // The tables for a change. An error if one failed before.
  absl::StatusOr<std::shared_ptr<OpenJoinTables>> TablesToChange() const;
  // What a change came to. After an error the tables are to be opened again.
  absl::Status EndChange(const rocksdb::Status& status);
  absl::Status OpenTables();

  const Options options_;
  mutable absl::Mutex mu_;
  std::shared_ptr<OpenJoinTables> tables_ ABSL_GUARDED_BY(mu_);
  absl::Status fault_ ABSL_GUARDED_BY(mu_);  // Why a write failed, or the tables are not open.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_STORE_H_
