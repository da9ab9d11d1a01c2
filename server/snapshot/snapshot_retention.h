// Decides which snapshots of a model recovery needs, and which can be deleted.
//
// Recovery begins from the newest snapshot or, if that is damaged, from the one before it, and so
// on. To make this possible from each automatic snapshot that is kept, the log keeps all records
// from the oldest of them on, or from an earlier one if a variant in that snapshot was behind, or
// if events waited there for their labels.
// Every snapshot that one of these records restores is kept, too. While there are fewer automatic
// snapshots than are to be kept, recovery may begin at the log's first record.

#ifndef FRESHET_SERVER_SNAPSHOT_SNAPSHOT_RETENTION_H_
#define FRESHET_SERVER_SNAPSHOT_SNAPSHOT_RETENTION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/snapshot_file.pb.h"
#include "server/snapshot/snapshot_store.h"

namespace freshet {

// Which automatic snapshots are kept. The others are kept for people, not for recovery: the log
// need not reach back to them.
struct KeptSnapshots {
  uint32_t count = 3;   // The newest; >= 1.
  uint32_t hourly = 0;  // And the last one of so many hours of UTC that have any, the newest hours.
  uint32_t daily = 0;   // The same for days.
};

// Thread-safe. Only decides: deletes nothing, and does not block on the disk.
class SnapshotRetention {
 public:
  // The ids of the snapshots that records of the log restored, by the offsets of these records.
  using Restores = std::map<uint64_t, std::string>;

  // `snapshots` must outlive this object. `replayed` are the restores that recovery replayed.
  SnapshotRetention(const SnapshotStore& snapshots, KeptSnapshots keep, Restores replayed);

  SnapshotRetention(const SnapshotRetention&) = delete;
  SnapshotRetention& operator=(const SnapshotRetention&) = delete;

  // `log_begin` below is the offset of the log's first record; nothing if the model has no log.

  // The offset of the newest snapshot that recovery can begin from; 0 if there is none.
  uint64_t NewestStart(std::optional<uint64_t> log_begin) const;

  // The offset of the first record that recovery may have to replay. The log keeps all from there
  // on.
  uint64_t NeededFrom(std::optional<uint64_t> log_begin) const;

  // The automatic snapshots that are not to be kept, oldest first.
  std::vector<v1::Snapshot> Old(std::optional<uint64_t> log_begin) const;

  // FAILED_PRECONDITION if recovery needs the snapshot.
  absl::Status CheckDeletion(std::string_view id, std::optional<uint64_t> log_begin) const;

  // Between these two calls the snapshot is kept, because it is being restored. Afterwards it is
  // kept as long as recovery may replay the record of the restore at `offset`, if there is one.
  void BeginRestore(const std::string& id);
  void AddRestore(const std::string& id, uint64_t offset);
  void EndRestore(const std::string& id);

  // Forgets restores below `needed_from`, which recovery will not replay any more.
  void ForgetRestores(uint64_t needed_from);

  // Writes the known restores into the header of a new snapshot.
  void NoteRestores(v1::SnapshotFileHeader& header) const;

 private:
  struct Automatic {
    std::vector<v1::Snapshot> old;      // Not to be kept.
    std::vector<v1::Snapshot> kept;     // The newest, from which recovery begins.
    uint64_t needed_from = UINT64_MAX;  // The first record that a variant in one of `kept` lacks.
  };
  Automatic SortAutomatic() const;
  uint64_t NeededFrom(const Automatic& automatic, std::optional<uint64_t> log_begin) const;
  std::vector<v1::Snapshot> Starts(std::optional<uint64_t> log_begin) const;
  // Whether a record from `needed_from` on restores the snapshot, or a restore of it is under way.
  bool IsRestored(std::string_view id, uint64_t needed_from) const ABSL_LOCKS_EXCLUDED(mu_);

  const SnapshotStore& snapshots_;
  const KeptSnapshots keep_;

  mutable absl::Mutex mu_;
  Restores restores_ ABSL_GUARDED_BY(mu_);
  std::multiset<std::string, std::less<>> being_restored_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SNAPSHOT_SNAPSHOT_RETENTION_H_
