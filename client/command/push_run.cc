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

PushRun::PushRun(const PushArguments& arguments, const std::atomic<bool>& stop,
                 const KnownRows& known, Pusher& pusher, PushRecords records)
    : arguments_(arguments),
      stop_(stop),
      known_(known),
      pusher_(pusher),
      records_(records),
      batch_rows_(BatchRows(arguments)),
      shuffle_(arguments.seed) {
  gathered_.KeepNames(&names_);
  single_.KeepNames(&names_);
}

absl::Status PushRun::Run() {
  for (uint32_t epoch = 0; epoch < arguments_.epochs && !Done(); ++epoch) {
    ExampleReader reader(arguments_.input, &stop_);
    epoch_ = epoch;
    epoch_lines_ = 0;
    last_path_.clear();
    if (reader.bytes_total().has_value()) bytes_total_ = *reader.bytes_total() * arguments_.epochs;
    absl::Status status = RunEpoch(&reader);
    bytes_of_past_epochs_ += reader.bytes_consumed();
    bytes_ = bytes_of_past_epochs_;
    // Even after an error, push the rows that were read before it.
    const bool at_end = status.ok() && !stop_;
    if (absl::Status pushed = at_end ? PushShuffled() : PushGathered(); !pushed.ok()) {
      return pushed;
    }
    if (!status.ok()) return status;
  }
  interrupted_ = stop_;
  return absl::OkStatus();
}

std::string PushRun::LastPlace() const {
  if (last_line_ == 0 || arguments_.shuffle_buffer > 0) return "";
  return StrCat(last_path_ == "-" ? "stdin" : last_path_, ":", last_line_);
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
  const bool is_bad = absl::IsInvalidArgument(row.status());
  if (!row.ok() && !is_bad) return row.status();
  if (row.ok() && !*row) return false;
  if (reader->path() != last_path_) {
    if (!last_path_.empty()) epoch_lines_ += last_line_;
    last_path_ = reader->path();
    last_path_index_ = records_.positions.PathIndex(last_path_);
  }
  last_line_ = reader->line_number();
  absl::Status bad = row.status();
  if (!is_bad && records_.events != nullptr) {
    bad = records_.events->Read(*reader);
    if (!bad.ok()) target.RemoveLastRow();
  }
  if (!bad.ok()) {
    if (absl::Status status = SkipBadRow(bad); !status.ok()) return status;
    return true;
  }
  ++rows_read_;
  // Blank lines count, as in Vowpal Wabbit.
  const uint64_t line = epoch_lines_ + last_line_;
  const bool is_held_out = arguments_.holdout_period > 0 && line % arguments_.holdout_period == 0;
  if (is_held_out) HoldOut(gathered_);
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

// Makes the last row one that is predicted but not learned, like a row without a label. REQUIRES:
// rows are not shuffled.
void PushRun::HoldOut(ExampleBatchBuilder& rows) {
  const ExampleBatch view = rows.View();
  const size_t row = view.size() - 1;
  gathered_held_out_.push_back(
      {.row = row, .label = view.labels[row], .weight = view.Weight(row), .epoch = epoch_});
  rows.SetLastLabelAndWeight(0, 0);
}

// Counts a row that could not be read. Returns an error if it is one too many.
absl::Status PushRun::SkipBadRow(const absl::Status& reason) {
  if (records_.predictions != nullptr) records_.predictions->AddBadRow(gathered_count_);
  records_.bad_rows.Add(ToStd(reason.message()));
  if (records_.bad_rows.too_many()) return DataError(ToStd(reason.message()));
  ++row_;
  return known_.Contains(row_) ? PassKnownRow() : absl::OkStatus();
}

// Ends the batch before a known row, since a batch covers all numbers from its first row to its
// last.
absl::Status PushRun::PassKnownRow() {
  absl::Status status = PushGathered();
  batch_first_row_ = row_ + 1;
  return status;
}

// Numbers the row that was added to gathered_, and notes its position. Takes the row out again if
// it is known. If the batch has too many namespaces with it, pushes the rows before it.
absl::Status PushRun::Gather(RowPosition position) {
  ++row_;
  if (known_.Contains(row_)) {
    gathered_.RemoveLastRow();
    if (!gathered_held_out_.empty() && gathered_held_out_.back().row == gathered_.row_count()) {
      gathered_held_out_.pop_back();
    }
    ++known_count_;
    if (records_.predictions != nullptr) records_.predictions->AddBadRow(gathered_count_);
    return PassKnownRow();
  }
  if (HasTooManyNamespaces(gathered_)) {
    single_.Clear();
    gathered_.MoveLastRowTo(single_);
    std::vector<HeldOutRow> moved;
    if (!gathered_held_out_.empty() && gathered_held_out_.back().row == gathered_.row_count()) {
      moved.push_back(gathered_held_out_.back());
      moved.back().row = 0;
      gathered_held_out_.pop_back();
    }
    if (absl::Status status = PushGathered(); !status.ok()) return status;
    gathered_held_out_ = std::move(moved);
    gathered_.Clear();
    std::swap(gathered_, single_);
  }
  if (records_.events != nullptr) records_.events->Add();
  gathered_positions_.push_back(position);
  gathered_last_row_ = row_;
  ++gathered_count_;
  return absl::OkStatus();
}

absl::Status PushRun::PushGathered() {
  if (gathered_.row_count() == 0) return absl::OkStatus();
  const size_t rows = gathered_.row_count();
  records_.positions.Add(std::move(gathered_positions_));
  gathered_positions_.clear();
  if (records_.metrics != nullptr) records_.metrics->Expect(gathered_.View(), gathered_held_out_);
  gathered_held_out_.clear();
  EventColumns events;
  if (records_.events != nullptr) {
    events = {.ids = records_.events->ids(), .times_ms = records_.events->times_ms()};
  }
  absl::Status status =
      pusher_.PushBatch(gathered_, {batch_first_row_, gathered_last_row_}, events);
  if (records_.events != nullptr) records_.events->Clear();
  batch_first_row_ = gathered_last_row_ + 1;
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
  return stop_ || records_.bad_rows.too_many() ||
         (arguments_.limit > 0 && rows_read_ >= arguments_.limit);
}

ProgressFigures PushRun::Sample() const {
  const PusherStats stats = pusher_.stats();
  ProgressFigures figures;
  figures.rows = stats.pushed + known_count_;
  if (arguments_.limit > 0) figures.rows_total = arguments_.limit;
  figures.bytes = bytes_;
  if (const uint64_t total = bytes_total_; total > 0) figures.bytes_total = total;
  figures.window_share =
      std::min(1.0, static_cast<double>(stats.unacknowledged) /
                        static_cast<double>(PusherOptions().max_unacknowledged_examples));
  figures.waiting = stats.waiting;
  figures.reconnecting = stats.unacknowledged > 0 && stats.acknowledged > 0 && !stats.connected;
  figures.bad_rows = records_.bad_rows.count();
  return figures;
}

void ListenToRejected(const RowPositions& positions, BadRowLog& bad_rows, PusherOptions& options) {
  options.on_rejected = [&positions, &bad_rows](const RejectedRow& row) {
    bad_rows.Add(StrCat(positions.Describe(row.index), ": ", row.field, ": ", row.reason));
  };
}

}  // namespace freshet
