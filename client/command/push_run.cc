#include "client/command/push_run.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "client/command/exit_code.h"
#include "client/packed_encoder.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using std::chrono::milliseconds;

// How long rows that were read wait for more rows to fill the batch before they are pushed.
constexpr milliseconds kLinger{50};
// How far a push with --rate may fall behind schedule and still catch up.
constexpr milliseconds kMostCatchUp{100};
// How many bad rows are shown; further ones are only counted.
constexpr uint64_t kMaxShownBadRows = 10;

size_t BatchRows(const PushArguments& arguments) {
  if (arguments.rate <= 0) return arguments.batch_size;
  // A slow stream is sent in about twenty batches a second.
  const auto rows = static_cast<size_t>(arguments.rate / 20);
  return std::clamp<size_t>(rows, 1, arguments.batch_size);
}

}  // namespace

void BadRowLog::Add(std::string_view message) {
  const uint64_t number = ++count_;
  if (number == 1) {
    const SteadyLock lock(&mu_);
    first_ = message;
  }
  if (max_count_ == 0) return;  // The error that ends the push names the row.
  if (number <= kMaxShownBadRows) print_(StrCat("freshet: skipped ", message));
  if (number == kMaxShownBadRows) print_("freshet: further bad rows are counted, not shown");
}

std::string BadRowLog::first() const {
  const SteadyLock lock(&mu_);
  return first_;
}

PushRun::PushRun(const PushArguments& arguments, const std::atomic<bool>& stop, Pusher& pusher,
                 RowPositions& positions, BadRowLog& bad_rows, PredictionFile* predictions)
    : arguments_(arguments),
      stop_(stop),
      pusher_(pusher),
      positions_(positions),
      bad_rows_(bad_rows),
      predictions_(predictions),
      batch_rows_(BatchRows(arguments)),
      shuffle_(arguments.seed) {
  gathered_.KeepNames(&names_);
  single_.KeepNames(&names_);
}

absl::Status PushRun::Run() {
  for (uint32_t epoch = 0; epoch < arguments_.epochs && !Done(); ++epoch) {
    ExampleReader reader(arguments_.input, &stop_);
    if (reader.bytes_total().has_value()) bytes_total_ = *reader.bytes_total() * arguments_.epochs;
    absl::Status status = RunEpoch(&reader);
    bytes_of_past_epochs_ += reader.bytes_consumed();
    bytes_ = bytes_of_past_epochs_;
    // Even after an error, push the rows that were read before it.
    if (absl::Status pushed = PushShuffled(); !pushed.ok()) return pushed;
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status PushRun::RunEpoch(ExampleReader* reader) {
  while (!Done()) {
    const bool idle = gathered_.row_count() > 0 && reader->WouldBlock();
    if (IsFull(gathered_, batch_rows_) || (idle && !reader->WaitForInput(kLinger))) {
      bytes_ = bytes_of_past_epochs_ + reader->bytes_consumed();
      if (absl::Status status = PushGathered(); !status.ok()) return status;
    }
    const absl::StatusOr<bool> more = ReadRow(reader);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
  }
  return absl::OkStatus();
}

// Reads one row into gathered_. When shuffling, reads it into the shuffle buffer and, once that is
// full, moves a random row from there to gathered_. Skips a bad row. Returns false at the end of
// the input.
absl::StatusOr<bool> PushRun::ReadRow(ExampleReader* reader) {
  const bool shuffled = arguments_.shuffle_buffer > 0;
  ExampleBatchBuilder& target = shuffled ? single_ : gathered_;
  const absl::StatusOr<bool> row = reader->Next(target);
  if (!row.ok()) {
    if (!absl::IsInvalidArgument(row.status())) return row.status();
    if (predictions_ != nullptr) predictions_->AddBadRow(rows_read_);
    bad_rows_.Add(ToStd(row.status().message()));
    if (bad_rows_.too_many()) return DataError(ToStd(row.status().message()));
    return true;
  }
  if (!*row) return false;
  ++rows_read_;
  if (reader->path() != last_path_) {
    last_path_ = reader->path();
    last_path_index_ = positions_.PathIndex(last_path_);
  }
  const RowPosition position{last_path_index_, reader->line_number()};
  absl::Status status;
  if (!shuffled) {
    status = Gather(position);
  } else {
    shuffle_.Add(single_, position);
    single_.Clear();
    if (shuffle_.size() >= arguments_.shuffle_buffer) status = Gather(shuffle_.Take(&gathered_));
  }
  if (!status.ok()) return status;
  return true;
}

// Notes the position of the row that was added to gathered_. If the batch has too many namespaces
// with it, pushes the rows before it.
absl::Status PushRun::Gather(RowPosition position) {
  if (HasTooManyNamespaces(gathered_)) {
    single_.Clear();
    gathered_.MoveLastRowTo(single_);
    if (absl::Status status = PushGathered(); !status.ok()) return status;
    gathered_.Clear();
    std::swap(gathered_, single_);
  }
  gathered_positions_.push_back(position);
  return absl::OkStatus();
}

absl::Status PushRun::PushGathered() {
  if (gathered_.row_count() == 0) return absl::OkStatus();
  const size_t rows = gathered_.row_count();
  positions_.Add(std::move(gathered_positions_));
  gathered_positions_.clear();
  absl::Status status = pusher_.PushBatch(gathered_);
  gathered_.Clear();
  if (status.ok()) Pace(rows);
  return status;
}

absl::Status PushRun::PushShuffled() {
  while (shuffle_.size() > 0) {
    if (absl::Status status = Gather(shuffle_.Take(&gathered_)); !status.ok()) return status;
    if (!IsFull(gathered_, batch_rows_)) continue;
    if (absl::Status status = PushGathered(); !status.ok()) return status;
  }
  return PushGathered();
}

// Sleeps for as long as `rows` take at the rate of --rate. Time lost while waiting for input is not
// made up by a burst, except for kMostCatchUp.
void PushRun::Pace(size_t rows) {
  if (arguments_.rate <= 0) return;
  const std::chrono::duration<double> share(static_cast<double>(rows) / arguments_.rate);
  due_ = std::max(due_, Clock::now() - kMostCatchUp) +
         std::chrono::duration_cast<Clock::duration>(share);
  while (!stop_ && Clock::now() < due_) {
    std::this_thread::sleep_for(std::min<Clock::duration>(due_ - Clock::now(), milliseconds(50)));
  }
}

bool PushRun::Done() const {
  return stop_ || bad_rows_.too_many() || (arguments_.limit > 0 && rows_read_ >= arguments_.limit);
}

ProgressFigures PushRun::Sample() const {
  const PusherStats stats = pusher_.stats();
  ProgressFigures figures;
  figures.rows = stats.pushed;
  if (arguments_.limit > 0) figures.rows_total = arguments_.limit;
  figures.bytes = bytes_;
  if (const uint64_t total = bytes_total_; total > 0) figures.bytes_total = total;
  figures.window_share =
      std::min(1.0, static_cast<double>(stats.unacknowledged) /
                        static_cast<double>(PusherOptions().max_unacknowledged_examples));
  figures.waiting = stats.waiting;
  figures.reconnecting = stats.unacknowledged > 0 && stats.acknowledged > 0 && !stats.connected;
  figures.bad_rows = bad_rows_.count();
  return figures;
}

}  // namespace freshet
