#include "client/python/src/stream.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "client/command/input_mapping.h"
#include "client/command/push_controls.h"
#include "client/packed_encoder.h"
#include "client/python/src/arrow.h"
#include "client/python/src/error.h"
#include "client/python/src/table.h"
#include "core/base/str_cat.h"

namespace freshet::python {
namespace {

namespace nb = nanobind;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// How long rows wait for others to fill their batch.
constexpr milliseconds kLinger{50};
// How often a wait looks for signals.
constexpr milliseconds kSignals{100};
// How many rows a mapping is chosen from, as by 'freshet push'.
constexpr size_t kSampleRows = 2000;
constexpr size_t kMaxKeptBadRows = 100;
constexpr uint64_t kRowsPerProgress = 1 << 16;

PusherOptions OptionsOf(const StreamOptions& options, const KnownRows& known) {
  PushControls controls;
  controls.skip_errors = options.skip_bad_rows;
  controls.batch_size = options.batch_rows;
  controls.producer_id = options.producer_id;
  controls.retry_s = options.retry_s;
  Check(CheckPushControls(controls));
  return PusherOptionsOf(controls, known);
}

}  // namespace

void AddDenseRow(std::span<const float> row, ExampleBatchBuilder& builder) {
  const size_t index = builder.Namespace("");
  for (size_t i = 0; i < row.size(); ++i) {
    builder.AddFeature(index, static_cast<uint32_t>(i), row[i]);
  }
}

void AddSparseRow(std::span<const int64_t> columns, std::span<const float> values,
                  ExampleBatchBuilder& builder) {
  const size_t index = builder.Namespace("");
  for (size_t i = 0; i < columns.size(); ++i) {
    builder.AddFeature(index, static_cast<uint32_t>(columns[i]), values[i]);
  }
}

Stream::Stream(std::shared_ptr<Client> client, std::string model, const ModelInput& input,
               FieldOptions fields, StreamOptions options)
    : client_(std::move(client)),
      model_(std::move(model)),
      options_(std::move(options)),
      known_([this] {
        const nb::gil_scoped_release unlocked;
        return Value(FindKnownRows(*client_, model_, options_.producer_id));
      }()),
      process_(getpid()),
      reader_(input, fields, /*labels_required=*/true),
      choose_mapping_(input.ChoosesMapping()) {
  PusherOptions pusher = OptionsOf(options_, known_);
  pusher.on_rejected = [this](const RejectedRow& row) { NoteRejected(row); };
  file_options_.binary_labels = input.HasBinaryLabels();
  file_options_.parse.label_field = fields.label;
  file_options_.parse.weight_field = fields.weight;
  file_options_.parse.ignore_fields = fields.ignore;
  if (input.model) FollowOrChooseMapping(*client_, *input.model, file_options_);
  gathered_.KeepNames(&names_);
  single_.KeepNames(&names_);
  pusher_ = Value(Pusher::Start(*client_, model_, std::move(pusher)));
  producer_id_ = pusher_->producer_id();
  linger_ = std::thread([this] { RunLinger(); });
}

Stream::~Stream() {
  if (getpid() != process_) {  // A fork: the threads are not there.
    linger_.detach();
    (void)pusher_.release();
    return;
  }
  const nb::gil_scoped_release unlocked;
  {
    const Lock lock(mu_);
    closed_ = true;
    gathered_rows_.notify_all();
  }
  linger_.join();
  pusher_.reset();
}

// Waits for mu_ without the interpreter's lock, since its holder may want that.
Stream::Lock Stream::LockRows() {
  if (getpid() != process_) {
    throw StatusError(absl::FailedPreconditionError(
        "this pusher belongs to the process that forked this one; open another one here"));
  }
  Lock lock(mu_, std::try_to_lock);
  if (!lock.owns_lock()) {
    const nb::gil_scoped_release unlocked;
    lock.lock();
  }
  if (closed_) throw StatusError(absl::FailedPreconditionError("the pusher is closed"));
  return lock;
}

void Stream::Push(nb::handle row, nb::handle label, nb::handle weight) {
  thread_local std::string text;
  std::optional<StatusError> bad;
  try {
    reader_.Write(row, label, weight, std::nullopt, text);
  } catch (const StatusError& error) {
    if (!error.row()) throw;
    bad = error;
  }
  const Lock lock = LockRows();
  const uint64_t number = row_;
  if (PassIfKnown()) return;
  if (!bad) {
    if (absl::Status status = reader_.Parse(text, gathered_); !status.ok()) {
      bad = BadRow(status, number);
    }
  }
  if (bad) {
    StatusError::Row found = *bad->row();
    found.number = number;
    SkipOrThrow(StatusError(std::move(found)));
    return;
  }
  Gather();
  if (!IsFull(gathered_, options_.batch_rows) && !HasTooManyNamespaces(gathered_)) return;
  const nb::gil_scoped_release unlocked;
  SendIfFull();
}

// Counts the next row. True if the model has it already; a batch must not cover such a row.
bool Stream::PassIfKnown() {
  ++row_;
  if (!known_.Contains(row_)) return false;
  ++known_count_;
  if (gathered_.row_count() > 0) {
    const nb::gil_scoped_release unlocked;
    PushGathered();
  }
  batch_first_ = row_ + 1;
  return true;
}

// Takes note of the row that was added to gathered_.
void Stream::Gather() {
  {
    const std::lock_guard lock(rejected_mu_);
    const bool follows =
        !segments_.empty() &&
        segments_.back().row + (gathered_total_ - segments_.back().pushed) == row_ - 1;
    if (!follows) segments_.push_back({gathered_total_, row_ - 1});
  }
  ++gathered_total_;
  last_gathered_ = row_;
  if (gathered_.row_count() == 1) {
    gathered_since_ = Clock::now();
    gathered_rows_.notify_one();
  }
}

void Stream::SkipOrThrow(StatusError error) {
  if (!options_.skip_bad_rows) throw error;
  ++bad_count_;
  const StatusError::Row& row = *error.row();
  if (bad_rows_.size() < kMaxKeptBadRows) {
    bad_rows_.push_back({row.number.value_or(0), row.field, row.reason});
  }
}

void Stream::SendIfFull() {
  if (HasTooManyNamespaces(gathered_) && gathered_.row_count() > 1) {
    single_.Clear();
    gathered_.MoveLastRowTo(single_);
    const uint64_t last = std::exchange(last_gathered_, last_gathered_ - 1);
    PushGathered();
    last_gathered_ = last;
    std::swap(gathered_, single_);
    return;
  }
  if (IsFull(gathered_, options_.batch_rows)) PushGathered();
}

void Stream::PushGathered() {
  if (gathered_.row_count() == 0) return;
  while (!pusher_->WaitForRoom(kSignals)) CheckSignals();
  const absl::Status status = pusher_->PushBatch(gathered_, {batch_first_, last_gathered_});
  batch_first_ = last_gathered_ + 1;
  gathered_.Clear();
  CheckPush(status);
}

void Stream::CheckPush(const absl::Status& status) {
  if (status.ok()) return;
  if (absl::IsInvalidArgument(status)) {
    (void)pusher_->Close();  // When it returns, the refused row has been named.
    ThrowRejected(status);
  }
  throw StatusError(status);
}

void Stream::ThrowRejected(const absl::Status& status) {
  const std::lock_guard lock(rejected_mu_);
  if (rejected_.empty()) throw StatusError(status);
  const BadRowFound& row = rejected_.front();
  throw StatusError(StatusError::Row{row.row, row.field, row.reason});
}

// Called by the Pusher's thread.
void Stream::NoteRejected(const RejectedRow& row) {
  const std::lock_guard lock(rejected_mu_);
  ++rejected_count_;
  if (rejected_.size() < kMaxKeptBadRows) {
    rejected_.push_back({RowOf(row.index), row.field, row.reason});
  }
}

uint64_t Stream::RowOf(uint64_t pushed) const {
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), pushed,
                       [](uint64_t index, const Segment& s) { return index < s.pushed; });
  if (after == segments_.begin()) return pushed;
  const Segment& segment = *std::prev(after);
  return segment.row + (pushed - segment.pushed);
}

// Sends batches that are not full, once their first row is old enough.
void Stream::RunLinger() {
  Lock lock(mu_);
  while (!closed_) {
    if (gathered_.row_count() == 0) {
      gathered_rows_.wait(lock);
      continue;
    }
    const auto due = gathered_since_ + kLinger;
    if (Clock::now() < due) {
      gathered_rows_.wait_until(lock, due);
      continue;
    }
    if (!pusher_->WaitForRoom(milliseconds(0))) {
      gathered_rows_.wait_for(lock, kLinger);
      continue;
    }
    // An error is told to whoever pushes next.
    (void)pusher_->PushBatch(gathered_, {batch_first_, last_gathered_});
    batch_first_ = last_gathered_ + 1;
    gathered_.Clear();
  }
}

void Stream::ReportProgress(nb::handle progress) {
  const nb::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
  if (progress.is_valid() && !progress.is_none()) progress(row_);
}

// Adds rows by add_row(i), which returns a status that is INVALID_ARGUMENT for a bad row.
template <typename AddRow>
void Stream::PushMany(uint64_t count, nb::handle progress, AddRow add_row) {
  for (uint64_t i = 0; i < count; ++i) {
    ++row_;
    if (known_.Contains(row_)) {
      ++known_count_;
      PushGathered();
      batch_first_ = row_ + 1;
      continue;
    }
    const absl::Status status = add_row(i);
    if (!status.ok()) {
      SkipOrThrow(BadRow(status, row_ - 1));
      continue;
    }
    Gather();
    SendIfFull();
    if (row_ % kRowsPerProgress == 0) ReportProgress(progress);
  }
}

void Stream::PushTable(const nb::capsule& capsule, nb::handle progress) {
  auto* stream = static_cast<ArrowArrayStream*>(capsule.data("arrow_array_stream"));
  const Lock lock = LockRows();
  const nb::gil_scoped_release unlocked;
  const auto table = Value(
      Table::Open(stream, [this](std::string_view field) { return reader_.IsLeftOut(field); }));
  std::string text;
  while (Value(table->NextChunk())) {
    if (std::exchange(choose_mapping_, false) && file_options_.choose_mapping != nullptr) {
      std::vector<std::string> sample(std::min(table->row_count(), kSampleRows));
      for (size_t i = 0; i < sample.size(); ++i) Check(table->RowText(i, sample[i]));
      const auto mapping = Value(file_options_.choose_mapping("the table", "jsonl", sample));
      if (mapping) {
        reader_ = RowReader(ModelInput::Fetch(*client_, model_),
                            {file_options_.parse.label_field, file_options_.parse.weight_field,
                             file_options_.parse.ignore_fields},
                            true);
      }
    }
    PushMany(table->row_count(), progress, [&](uint64_t i) {
      const absl::Status status = table->RowText(i, text);
      return status.ok() ? reader_.Parse(text, gathered_) : status;
    });
  }
  PushGathered();
  ReportProgress(progress);
}

void Stream::PushFile(const std::string& path, const std::string& format, nb::handle progress) {
  const Lock lock = LockRows();
  const nb::gil_scoped_release unlocked;
  InputOptions options = file_options_;
  options.files = {path};
  options.format = format;
  ExampleReader reader(options, nullptr);
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(gathered_);
    if (!more.ok() && !absl::IsInvalidArgument(more.status())) throw StatusError(more.status());
    if (more.ok() && !*more) break;
    ++row_;
    if (!more.ok()) {
      SkipOrThrow(
          StatusError(StatusError::Row{row_ - 1, "", std::string(more.status().message())}));
      continue;
    }
    if (known_.Contains(row_)) {
      ++known_count_;
      gathered_.RemoveLastRow();
      PushGathered();
      batch_first_ = row_ + 1;
      continue;
    }
    Gather();
    SendIfFull();
    if (row_ % kRowsPerProgress == 0) ReportProgress(progress);
  }
  PushGathered();
  ReportProgress(progress);
}

void Stream::PushDense(const FloatMatrix& rows, const Floats& labels,
                       const std::optional<Floats>& weights) {
  const Lock lock = LockRows();
  const nb::gil_scoped_release unlocked;
  const size_t columns = rows.shape(1);
  PushMany(rows.shape(0), nb::handle(), [&](uint64_t i) {
    gathered_.BeginRow(labels(i), weights ? (*weights)(i) : 1.0f);
    AddDenseRow({rows.data() + i * columns, columns}, gathered_);
    gathered_.EndRow();
    return absl::OkStatus();
  });
  PushGathered();
}

void Stream::PushSparse(const Indices& row_ends, const Indices& columns, const Floats& values,
                        const Floats& labels, const std::optional<Floats>& weights) {
  const Lock lock = LockRows();
  const nb::gil_scoped_release unlocked;
  PushMany(row_ends.shape(0) - 1, nb::handle(), [&](uint64_t i) {
    const auto begin = static_cast<size_t>(row_ends(i));
    const auto size = static_cast<size_t>(row_ends(i + 1)) - begin;
    gathered_.BeginRow(labels(i), weights ? (*weights)(i) : 1.0f);
    AddSparseRow({columns.data() + begin, size}, {values.data() + begin, size}, gathered_);
    gathered_.EndRow();
    return absl::OkStatus();
  });
  PushGathered();
}

void Stream::Flush() {
  {
    const Lock lock = LockRows();
    const nb::gil_scoped_release unlocked;
    PushGathered();
  }
  const nb::gil_scoped_release unlocked;
  while (true) {
    const absl::StatusOr<bool> settled = pusher_->FlushFor(kSignals);
    CheckPush(settled.status());
    if (*settled) return;
    CheckSignals();
  }
}

void Stream::Settle(double seconds) {
  if (getpid() != process_) return;
  const nb::gil_scoped_release unlocked;
  const Lock lock(mu_);
  const auto time = milliseconds(static_cast<int64_t>(seconds * 1000));
  if (gathered_.row_count() > 0 && pusher_->WaitForRoom(time)) {
    (void)pusher_->PushBatch(gathered_, {batch_first_, last_gathered_});
    batch_first_ = last_gathered_ + 1;
    gathered_.Clear();
  }
  (void)pusher_->FlushFor(time);
}

void Stream::Close() {
  Flush();
  const nb::gil_scoped_release unlocked;
  {
    const Lock lock(mu_);
    closed_ = true;
    gathered_rows_.notify_all();
  }
  CheckPush(pusher_->Close());
}

nb::dict Stream::Stats() {
  Lock lock(mu_, std::try_to_lock);
  if (!lock.owns_lock()) {
    const nb::gil_scoped_release unlocked;
    lock.lock();
  }
  const PusherStats stats = pusher_->stats();
  nb::dict out;
  const uint64_t settled = stats.acknowledged + stats.rejected;
  const std::lock_guard rejected_lock(rejected_mu_);
  const bool all = settled >= gathered_total_;
  out["rows"] = row_;
  out["acknowledged"] = stats.acknowledged - stats.duplicates;
  out["known"] = known_count_ + stats.duplicates;
  out["rejected"] = stats.rejected + bad_count_;
  out["skipped"] = stats.skipped;
  out["resent"] = stats.resent;
  out["reconnects"] = stats.reconnects;
  out["sent_bytes"] = stats.sent_bytes;
  out["next_row"] = all ? row_ : RowOf(settled);
  nb::list bad;
  for (const auto* rows : {&bad_rows_, &rejected_}) {
    for (const BadRowFound& row : *rows) {
      bad.append(nb::make_tuple(row.row, nb::str(row.field.c_str()), nb::str(row.reason.c_str())));
    }
  }
  out["bad_rows"] = bad;
  return out;
}

}  // namespace freshet::python
