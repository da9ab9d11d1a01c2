// A variant that follows the champion through the log, at its own pace.

#ifndef FRESHET_SERVER_MODEL_CHALLENGER_H_
#define FRESHET_SERVER_MODEL_CHALLENGER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/log/log_reader.h"
#include "server/model/predictor.h"
#include "server/model/strand.h"
#include "server/record/record.h"
#include "server/thread/worker_pool.h"
#include "server/view/variant.h"

namespace freshet {

// The strand of one challenger. It applies the records that the champion has applied, never one
// that the champion has not, and decides about no acknowledgement: whoever pushes does not notice
// how far it is.
//
// Records wait for the strand in a window of bounded memory. The champion feeds the window while
// there is room in it. A record that found no room, and every restore, is read from the log later
// on, by a thread that may block on the disk, until the window has come up to the champion. So a
// challenger that keeps up never reads the log, and one that is behind takes no more memory.
//
// If the log or a snapshot cannot be read, the challenger stays where it is, says why in the log of
// the server, and tries again after a pause, for ever.
//
// Thread-safe.
class Challenger : public Strand {
 public:
  // What a challenger needs of its model. The functions live as long as the challenger; they must
  // not keep the model alive.
  struct Options {
    std::string name;  // `models/{model}/variants/{variant}`.
    // Reads the model's log from an offset on; blocks on the disk. Errors as Log::NewReader().
    std::function<absl::StatusOr<std::unique_ptr<LogReader>>(uint64_t offset)> open_log;
    // Calls `logged` once the records below `offset` are in the log, or with the log's fault.
    std::function<void(uint64_t offset, std::function<void(absl::Status)> logged)> when_logged;
    // The variant as the snapshot of a restore has it; blocks on the disk.
    std::function<absl::StatusOr<std::unique_ptr<Variant>>(const RestoreRecord&)> load_restored;
    uint64_t max_window_bytes = uint64_t{16} << 20;
    absl::Duration retry_interval = absl::Milliseconds(500);
  };

  // `variant` has no records that the champion does not have, which stands at `champion_offset`.
  // The strand runs on `pool`, and what blocks on the disk on `io`; both outlive the challenger.
  static std::shared_ptr<Challenger> Start(std::unique_ptr<Variant> variant,
                                           uint64_t champion_offset, WorkerPool& pool,
                                           WorkerPool& io, Options options);

  // The champion has applied the record at `offset`. Called for each record, in order, by the
  // champion's strand. Does not block.
  void Feed(uint64_t offset, const Record& record);

  // What the challenger predicts with, at this moment. Waits for nobody.
  VariantView Now() const { return predictor_.Now(); }

  // Runs `task` on the strand between two records, when its share allows (see WriterShare).
  void RunOnWriter(std::function<void(const Variant&)> task, WriterShare share) {
    AddTask([this, task = std::move(task)] { task(*variant_); }, share);
  }

  // Calls `saved` with the variant's part of a snapshot: as it is when it has the records below
  // `offset`, if it comes there from memory alone; else as it is now. `offset` is the champion's.
  void Save(uint64_t offset, std::function<void(SavedPart)> saved);

  // Learns nothing more. Tasks still run, and without delay.
  void Stop();

  // Why the challenger cannot go on; OK if it can.
  absl::Status fault() const;

 private:
  // A record that waits for the strand.
  struct Entry {
    std::shared_ptr<const void> payload;  // What the record refers to; null: the record owns it.
    Record record;
    std::unique_ptr<Variant> restored;  // What a restore puts the variant back to.
    uint64_t memory_bytes = 0;
  };
  struct PendingSave {
    uint64_t offset = 0;
    std::function<void(SavedPart)> saved;
  };

  Challenger(std::unique_ptr<Variant> variant, uint64_t champion_offset, WorkerPool& pool,
             WorkerPool& io, Options options);

  bool Step() override;
  // Takes out the saves that are due.
  std::vector<PendingSave> TakeDueSaves() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Push(Entry entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool has_room() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return window_bytes_ < options_.max_window_bytes;
  }
  // Begins to read the log if the window lacks records that the champion has.
  void FetchIfBehind() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PostFetch();
  // On `io`: fills the window from the log. One at a time.
  void Fetch();
  // The record at this offset; none while it is not in the log yet.
  absl::StatusOr<std::optional<Entry>> Read(uint64_t offset);
  absl::StatusOr<std::optional<LogRecord>> ReadFromLog(uint64_t offset);
  // Goes on with the fetch after a pause.
  void RetryFetch(absl::Status fault);

  const Options options_;
  WorkerPool& io_;

  const std::unique_ptr<Variant> variant_;  // Owned by the strand.
  Predictor predictor_;                     // Published by the strand.

  std::unique_ptr<LogReader> reader_;  // Owned by Fetch(). Null while the window is fed.

  mutable absl::Mutex mu_;
  // Records in order without gaps; the strand takes the first.
  std::deque<Entry> window_ ABSL_GUARDED_BY(mu_);
  uint64_t window_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t window_end_ ABSL_GUARDED_BY(mu_);       // The record that comes next into the window.
  uint64_t applied_offset_ ABSL_GUARDED_BY(mu_);   // The records that the strand has taken.
  uint64_t champion_offset_ ABSL_GUARDED_BY(mu_);  // Never less than window_end_.
  bool fetching_ ABSL_GUARDED_BY(mu_) = false;     // A fetch is under way, or waits to go on.
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status fault_ ABSL_GUARDED_BY(mu_);
  std::vector<PendingSave> saves_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_CHALLENGER_H_
