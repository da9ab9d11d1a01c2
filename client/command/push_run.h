// The main loop of freshet push: reads examples and pushes them until the input ends, a limit is
// reached or an error occurs.

#ifndef FRESHET_CLIENT_COMMAND_PUSH_RUN_H_
#define FRESHET_CLIENT_COMMAND_PUSH_RUN_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/command/event_rows.h"
#include "client/command/example_reader.h"
#include "client/command/known_rows.h"
#include "client/command/prediction_file.h"
#include "client/command/progress.h"
#include "client/command/push_controls.h"
#include "client/command/row_metrics.h"
#include "client/command/row_positions.h"
#include "client/command/shuffle_buffer.h"
#include "client/pusher.h"
#include "core/feature/example_batch.h"
#include "core/feature/new_names.h"
#include "core/thread/steady_mutex.h"

namespace freshet {

// The values of the options of push.
struct PushArguments : PushControls {
  std::string model;
  InputOptions input;
  bool events = false;           // Rows are events, whose labels come later.
  uint32_t epochs = 1;           // >= 1.
  bool has_epochs = false;       // Whether --epochs was given.
  uint32_t holdout_period = 0;   // Every so many rows of an epoch, one is not learned; 0: never.
  uint64_t shuffle_buffer = 0;   // Examples; 0: input order.
  uint64_t seed = 1;             // Random seed for shuffling.
  double rate = 0;               // Rows per second; 0: as fast as possible.
  uint64_t limit = 0;            // Rows; 0: all.
  std::string predictions_path;  // Empty: none are kept.
};

// Counts bad rows and prints the first few. Threads: all methods may be called from any number of
// threads at once.
class BadRowLog {
 public:
  // Up to `max_count` bad rows are tolerated. `print` is called with each line to show, from the
  // thread that calls Add().
  BadRowLog(uint64_t max_count, std::function<void(std::string_view)> print)
      : max_count_(max_count), print_(std::move(print)) {}

  // Counts a bad row; `message` says where it is and what is wrong with it.
  void Add(std::string_view message);

  uint64_t count() const { return count_; }
  bool too_many() const { return count_ > max_count_; }
  // The message of the first bad row; empty if there is none.
  std::string first() const;

 private:
  const uint64_t max_count_;
  const std::function<void(std::string_view)> print_;
  std::atomic<uint64_t> count_{0};
  mutable SteadyMutex mu_;
  std::string first_ ABSL_GUARDED_BY(mu_);
};

// Adds each row that the server refuses to `bad_rows`, with its place in the files. Both must
// outlive the pusher.
void ListenToRejected(const RowPositions& positions, BadRowLog& bad_rows, PusherOptions& options);

// What is told of the rows of a push.
struct PushRecords {
  RowPositions& positions;                // Of the rows pushed.
  BadRowLog& bad_rows;                    // Of the rows that could not be read.
  PredictionFile* predictions = nullptr;  // Of rows without a prediction; null: none is written.
  PushMetrics* metrics = nullptr;         // Of the rows pushed; null: none are computed.
  EventRows* events = nullptr;            // Of the rows, which are events; null: they have labels.
};

// One run of freshet push. Rows are numbered in the order in which they are pushed, from 1; bad
// rows are numbered, too. Not thread-safe, except for Sample().
class PushRun {
 public:
  // All arguments must outlive the run. Rows that are `known` are not pushed.
  PushRun(const PushArguments& arguments, const std::atomic<bool>& stop, const KnownRows& known,
          Pusher& pusher, PushRecords records);

  // Reads the input and pushes it. Returns OK at the end of the input, at the limit on rows, and
  // when `stop` turns true; an error at a bad line that is not to be skipped, and when reading or
  // pushing fails. Unless pushing failed, all rows read have then been pushed, but not flushed;
  // except that at an error and when `stop` turns true, rows in the shuffle buffer are dropped, so
  // that a later push of the same input numbers the rows in the same way.
  absl::Status Run();

  // Whether `stop` turned true before the end of the input. Call it after Run().
  bool interrupted() const { return interrupted_; }
  // How many rows were read that are known.
  uint64_t known_count() const { return known_count_; }
  // The number of the last row that was read and not dropped.
  uint64_t last_row() const { return row_; }
  // Its file and line, as "file:line"; empty if no row was read, or if rows are shuffled.
  std::string LastPlace() const;

  // What has been done so far. Any thread may call it.
  ProgressFigures Sample() const;

 private:
  using Clock = std::chrono::steady_clock;

  absl::Status RunEpoch(ExampleReader* reader);
  absl::StatusOr<bool> ReadRow(ExampleReader* reader);
  absl::Status SkipBadRow(const absl::Status& reason);
  void HoldOut(ExampleBatchBuilder& rows);
  absl::Status Gather(RowPosition position);
  absl::Status PassKnownRow();
  absl::Status PushGathered();
  absl::Status PushShuffled();
  void Pace(size_t rows);
  bool Done() const;

  const PushArguments& arguments_;
  const std::atomic<bool>& stop_;
  const KnownRows& known_;
  Pusher& pusher_;
  const PushRecords records_;
  const size_t batch_rows_;
  Clock::time_point due_ = Clock::now();  // When the next rows may be pushed, by --rate.

  NewNames names_;  // Names of the features in gathered_ and single_.
  ExampleBatchBuilder gathered_;
  std::vector<RowPosition> gathered_positions_;
  std::vector<HeldOutRow> gathered_held_out_;  // By their place in gathered_.
  ShuffleBuffer shuffle_;
  ExampleBatchBuilder single_;  // One row on its way to the shuffle buffer or the next batch.
  std::string last_path_;
  uint32_t last_path_index_ = 0;
  uint64_t last_line_ = 0;
  uint64_t rows_read_ = 0;
  bool interrupted_ = false;

  uint64_t row_ = 0;              // The number of the last row that was gathered, known or bad.
  uint64_t batch_first_row_ = 1;  // The first number that the next batch covers.
  uint64_t gathered_last_row_ = 0;
  uint32_t epoch_ = 0;
  uint64_t epoch_lines_ = 0;     // In the files of this epoch that were read to their end.
  uint64_t gathered_count_ = 0;  // All rows gathered so far.
  std::atomic<uint64_t> known_count_{0};

  uint64_t bytes_of_past_epochs_ = 0;
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> bytes_total_{0};  // Over all epochs; 0: not known.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PUSH_RUN_H_
