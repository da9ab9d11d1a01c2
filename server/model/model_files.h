// The files of one model: its snapshots and its log. Which of them recovery needs is decided by
// server/snapshot/snapshot_retention.h.

#ifndef FRESHET_SERVER_MODEL_MODEL_FILES_H_
#define FRESHET_SERVER_MODEL_MODEL_FILES_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/snapshot_file.pb.h"
#include "server/log/log.h"
#include "server/log/log_writer.h"
#include "server/model/file_gate.h"
#include "server/snapshot/snapshot_retention.h"
#include "server/snapshot/snapshot_store.h"
#include "server/stats/latency_histogram.h"
#include "server/view/snapshot_parts.h"

namespace freshet {

// Thread-safe. Methods block on the disk unless they say otherwise.
class ModelFiles {
 public:
  struct Options {
    KeptSnapshots keep_snapshots;
    Retention log_retention;  // See SetRetention().
    std::function<absl::Time()> clock;
  };

  using Restores = SnapshotRetention::Restores;

  // `log` may be null: the model has none. `replayed` are the restores that recovery came upon.
  ModelFiles(std::unique_ptr<SnapshotStore> snapshots, std::shared_ptr<LogWriter> log,
             Restores replayed, Options options);

  ModelFiles(const ModelFiles&) = delete;
  ModelFiles& operator=(const ModelFiles&) = delete;

  SnapshotStore& snapshots() const { return *snapshots_; }

  // Closed while the model is being deleted: the methods below that write then answer as it says.
  FileGate& gate() { return gate_; }

  // An id that no snapshot has. Does not block.
  std::string NextSnapshotId();

  // Writes the copy of a state, then deletes what is not needed any more.
  absl::StatusOr<v1::Snapshot> WriteSnapshot(v1::SnapshotFileHeader header,
                                             const SavedState& state);

  // Writes a snapshot that comes from elsewhere (see ImportedHeader()). ALREADY_EXISTS where its id
  // is taken.
  absl::StatusOr<v1::Snapshot> ImportSnapshot(v1::SnapshotFileHeader header, ByteSpan payload);

  // Deletes a snapshot. FAILED_PRECONDITION where recovery needs it.
  absl::Status DeleteSnapshot(std::string_view id);

  // Also keeps the log from the offset on that `needed_from` answers; it may block on the disk.
  // Call before the first deletion, or never.
  void SetFurtherNeed(std::function<uint64_t()> needed_from);

  // How much of the log is kept beyond what recovery needs, from the next deletion on. Does not
  // block.
  void SetRetention(const Retention& retention);

  // Deletes automatic snapshots and records of the log that are not to be kept. Failures are
  // logged; the next call tries again.
  void DeleteOld();

  // See SnapshotRetention. Do not block.
  void BeginRestore(const std::string& id) { retention_.BeginRestore(id); }
  void AddRestore(const std::string& id, uint64_t offset) { retention_.AddRestore(id, offset); }
  void EndRestore(const std::string& id) { retention_.EndRestore(id); }

  // The offset of the newest snapshot that recovery can begin from; 0 where there is none. Does not
  // block.
  uint64_t snapshot_offset() const { return snapshot_offset_; }

  // Of the log's syncs since the server started; none without a log. Does not block.
  LatencyHistogram::Counts sync_latency() const {
    return log_ == nullptr ? LatencyHistogram::Counts() : log_->sync_latency();
  }

  // What there is on disk, and what of it is safe. Does not block.
  v1::Storage Describe() const;

 private:
  // The offset of the log's first record; nothing without a log.
  std::optional<uint64_t> log_begin() const;

  const std::unique_ptr<SnapshotStore> snapshots_;
  const std::shared_ptr<LogWriter> log_;  // Null: no log.
  const Options options_;

  SnapshotRetention retention_;
  FileGate gate_;

  std::atomic<uint64_t> snapshot_offset_;
  std::atomic<uint64_t> next_snapshot_number_{1};

  // One deletion at a time: held through its work on the disk, and nobody else waits for it.
  absl::Mutex deletion_mu_;

  mutable absl::Mutex mu_;
  Retention log_retention_ ABSL_GUARDED_BY(mu_);
  std::function<uint64_t()> further_need_ ABSL_GUARDED_BY(mu_);  // Null: there is none.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_MODEL_FILES_H_
