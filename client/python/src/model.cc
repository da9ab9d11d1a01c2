#include "client/python/src/model.h"

#include <nanobind/stl/string.h>
#include <unistd.h>

#include <future>
#include <map>
#include <span>
#include <utility>

#include "client/command/input_mapping.h"
#include "client/feedback_pusher.h"
#include "client/packed_encoder.h"
#include "client/pusher.h"
#include "client/python/src/arrow.h"
#include "client/python/src/error.h"
#include "client/python/src/message.h"
#include "client/python/src/table.h"
#include "core/base/str_cat.h"

namespace freshet::python {
namespace {

namespace nb = nanobind;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// How old what is known of the model's mapping may be.
constexpr std::chrono::seconds kMappingAge{30};
constexpr milliseconds kSignals{100};
constexpr size_t kRowsPerCall = 2048;

nb::tuple AnswerOf(std::vector<float> predictions, uint64_t unlearned) {
  auto* kept = new std::vector<float>(std::move(predictions));
  const nb::capsule owner(kept,
                          [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  return nb::make_tuple(Answers(kept->data(), {kept->size()}, owner), unlearned);
}

// The rows of a stream that the server refused, by their index. Thread-safe.
class Refused {
 public:
  void Note(const RejectedRow& row) {
    const std::lock_guard lock(mu_);
    rows_[row.index] = row;
  }
  // Throws InvalidRow if this row was refused.
  void Check(uint64_t index) {
    const std::lock_guard lock(mu_);
    const auto found = rows_.find(index);
    if (found == rows_.end()) return;
    StatusError::Row bad{std::nullopt, found->second.field, found->second.reason};
    rows_.erase(found);
    throw StatusError(std::move(bad));
  }

 private:
  std::mutex mu_;
  std::map<uint64_t, RejectedRow> rows_;  // Guarded by mu_.
};

// Waits until all that was pushed is settled, or a signal comes.
template <typename AnyPusher>
absl::Status FlushUnlessSignalled(AnyPusher& pusher) {
  while (true) {
    const absl::StatusOr<bool> settled = pusher.FlushFor(kSignals);
    if (!settled.ok() || *settled) return settled.status();
    CheckSignals();
  }
}

ExampleBatchBuilder& EmptyBatch() {
  thread_local ExampleBatchBuilder batch;
  batch.Clear();
  batch.KeepNames(nullptr);
  return batch;
}

}  // namespace

struct Model::Readers {
  ModelInput input;
  RowReader learn;
  RowReader predict;
  Clock::time_point made;
};

struct Model::Learning {
  Refused refused;
  NewNames names;
  uint64_t pushed = 0;
  std::unique_ptr<Pusher> pusher;
};

struct Model::Feedbacks {
  Refused refused;
  uint64_t pushed = 0;
  std::unique_ptr<FeedbackPusher> pusher;
};

Model::Model(std::shared_ptr<Client> client, std::string name)
    : client_(std::move(client)), name_(std::move(name)), process_(getpid()) {}

Model::~Model() {
  if (getpid() == process_) {
    const nb::gil_scoped_release unlocked;
    learning_.reset();
    feedback_.reset();
    return;
  }
  // A fork has no threads to end: leave them their memory.
  new std::shared_ptr<Learning>(std::move(learning_));
  new std::shared_ptr<Feedbacks>(std::move(feedback_));
}

void Model::CheckProcess() const {
  if (getpid() == process_) return;
  throw StatusError(
      absl::FailedPreconditionError("this connection belongs to the process that forked this one; "
                                    "connect after the fork, or start "
                                    "processes with multiprocessing.get_context(\"spawn\")"));
}

std::shared_ptr<Model::Readers> Model::FreshReaders() {
  CheckProcess();
  if (readers_ != nullptr && Clock::now() - readers_->made < kMappingAge) return readers_;
  ModelInput input;
  {
    const nb::gil_scoped_release unlocked;
    input = ModelInput::Fetch(*client_, name_);
  }
  RowReader learn(input, {}, true);
  RowReader predict(input, {}, false);
  readers_ = std::make_shared<Readers>(
      Readers{std::move(input), std::move(learn), std::move(predict), Clock::now()});
  return readers_;
}

void Model::Refresh() { readers_.reset(); }

void Model::WarnOf(RowReader& reader) const {
  for (const std::string& warning : reader.TakeWarnings()) {
    const size_t begin = warning.starts_with("column ") ? warning.find(": ") + 2 : 0;
    if (PyErr_WarnEx(PyExc_UserWarning, warning.c_str() + begin, 1) != 0) throw nb::python_error();
  }
}

nb::tuple Model::PredictOne(nb::handle row) {
  const std::shared_ptr<Readers> kept = FreshReaders();
  RowReader& reader = kept->predict;
  ExampleBatchBuilder& batch = EmptyBatch();
  reader.Add(row, nb::none(), nb::none(), std::nullopt, batch);
  WarnOf(reader);
  absl::StatusOr<Predictions> answer;
  {
    const nb::gil_scoped_release unlocked;
    answer = client_->Predict(name_, batch);
  }
  const Predictions predicted = Value(std::move(answer));
  return nb::make_tuple(predicted.predictions[0], predicted.scores[0], predicted.offset,
                        !predicted.unlearned_rows.empty());
}

nb::tuple Model::LogOne(nb::handle row, const std::string& event_id, bool wait) {
  const std::shared_ptr<Readers> kept = FreshReaders();
  RowReader& reader = kept->predict;
  ExampleBatchBuilder& batch = EmptyBatch();
  NewNames names;
  batch.KeepNames(&names);
  reader.Add(row, nb::none(), nb::none(), std::nullopt, batch);
  WarnOf(reader);
  PredictOptions options{.log_events = true, .wait = wait};
  const std::string id = event_id.empty() ? std::string(reader.tag()) : event_id;
  if (!id.empty()) options.event_ids = {id};
  absl::StatusOr<Predictions> answer;
  {
    const nb::gil_scoped_release unlocked;
    answer = client_->Predict(name_, batch, options);
  }
  batch.KeepNames(nullptr);
  const Predictions predicted = Value(std::move(answer));
  const bool dropped = predicted.dropped_event_count > 0 || predicted.event_ids.empty();
  return nb::make_tuple(predicted.predictions[0], predicted.scores[0], predicted.offset,
                        !predicted.unlearned_rows.empty(),
                        dropped ? nb::object(nb::none()) : nb::cast(predicted.event_ids[0]));
}

nb::dict Model::Explain(nb::handle row) {
  const std::shared_ptr<Readers> kept = FreshReaders();
  RowReader& reader = kept->predict;
  ExampleBatchBuilder& batch = EmptyBatch();
  NewNames names;
  batch.KeepNames(&names);
  reader.Add(row, nb::none(), nb::none(), std::nullopt, batch);
  absl::StatusOr<v1::ExplainResponse> answer;
  {
    const nb::gil_scoped_release unlocked;
    answer = client_->Explain(name_, batch);
  }
  batch.KeepNames(nullptr);
  return ToPython(Value(std::move(answer)));
}

// Predicts rows as add_row(batch) adds them, one at a time, until it returns false. Fills a batch
// while the one before it is predicted. Called without the interpreter's lock.
nb::tuple Model::PredictAll(const std::function<bool(ExampleBatchBuilder&)>& add_row) {
  std::vector<float> predictions;
  uint64_t unlearned = 0;
  ExampleBatchBuilder filling;
  ExampleBatchBuilder asked;
  std::future<absl::StatusOr<Predictions>> answer;
  const auto take_answer = [&] {
    if (!answer.valid()) return;
    const Predictions taken = Value(answer.get());
    predictions.insert(predictions.end(), taken.predictions.begin(), taken.predictions.end());
    unlearned += taken.unlearned_rows.size();
    CheckSignals();
  };
  const auto ask = [&] {
    take_answer();
    std::swap(filling, asked);
    filling.Clear();
    if (asked.row_count() == 0) return;
    answer = std::async(std::launch::async, [&] { return client_->Predict(name_, asked); });
  };
  while (add_row(filling)) {
    if (HasTooManyNamespaces(filling) && filling.row_count() > 1) {
      ExampleBatchBuilder last;
      filling.MoveLastRowTo(last);
      ask();
      std::swap(filling, last);
    }
    if (IsFull(filling, kRowsPerCall)) ask();
  }
  ask();
  take_answer();
  const nb::gil_scoped_acquire lock;
  return AnswerOf(std::move(predictions), unlearned);
}

nb::tuple Model::PredictRows(nb::iterable rows) {
  const std::shared_ptr<Readers> kept = FreshReaders();
  RowReader reader(kept->input, {}, false);
  nb::iterator next = nb::iter(rows);
  uint64_t number = 0;
  const nb::gil_scoped_release unlocked;
  return PredictAll([&](ExampleBatchBuilder& batch) {
    const nb::gil_scoped_acquire lock;
    if (next == nb::iterator::sentinel()) return false;
    reader.Add(*next, nb::none(), nb::none(), number++, batch);
    ++next;
    return true;
  });
}

nb::tuple Model::PredictTable(const nb::capsule& capsule, const std::vector<std::string>& ignore) {
  const std::shared_ptr<Readers> kept = FreshReaders();
  auto* stream = static_cast<ArrowArrayStream*>(capsule.data("arrow_array_stream"));
  const nb::gil_scoped_release unlocked;
  RowReader reader(kept->input, {"", "", ignore}, false);
  const auto table =
      Value(Table::Open(stream, [&](std::string_view field) { return reader.IsLeftOut(field); }));
  std::string text;
  size_t row = 0;
  size_t end = 0;
  uint64_t number = 0;
  return PredictAll([&](ExampleBatchBuilder& batch) {
    if (row == end) {
      if (!Value(table->NextChunk())) return false;
      row = 0;
      end = table->row_count();
    }
    absl::Status status = table->RowText(row++, text);
    if (status.ok()) status = reader.Parse(text, batch);
    if (!status.ok()) throw BadRow(status, number);
    ++number;
    return true;
  });
}

nb::tuple Model::PredictFile(const std::string& path, const std::string& format) {
  InputOptions options;
  const std::shared_ptr<Readers> kept = FreshReaders();
  if (kept->input.model) FollowMapping(*kept->input.model, options);
  const nb::gil_scoped_release unlocked;
  options.files = {path};
  options.format = format;
  options.parse.labels_required = false;
  ExampleReader reader(options, nullptr);
  uint64_t number = 0;
  return PredictAll([&](ExampleBatchBuilder& batch) {
    const absl::StatusOr<bool> more = reader.Next(batch);
    if (absl::IsInvalidArgument(more.status())) {
      throw StatusError(StatusError::Row{number, "", std::string(more.status().message())});
    }
    ++number;
    return Value(more);
  });
}

nb::tuple Model::PredictDense(const FloatMatrix& rows) {
  CheckProcess();
  const nb::gil_scoped_release unlocked;
  const size_t columns = rows.shape(1);
  size_t i = 0;
  return PredictAll([&](ExampleBatchBuilder& batch) {
    if (i == rows.shape(0)) return false;
    batch.BeginRow(0, 1);
    AddDenseRow({rows.data() + i * columns, columns}, batch);
    batch.EndRow();
    ++i;
    return true;
  });
}

nb::tuple Model::PredictSparse(const Indices& row_ends, const Indices& columns,
                               const Floats& values) {
  CheckProcess();
  const nb::gil_scoped_release unlocked;
  size_t i = 0;
  return PredictAll([&](ExampleBatchBuilder& batch) {
    if (i + 1 >= row_ends.shape(0)) return false;
    const auto begin = static_cast<size_t>(row_ends(i));
    const auto size = static_cast<size_t>(row_ends(i + 1)) - begin;
    batch.BeginRow(0, 1);
    AddSparseRow({columns.data() + begin, size}, {values.data() + begin, size}, batch);
    batch.EndRow();
    ++i;
    return true;
  });
}

void Model::LearnOne(nb::handle row, nb::handle label, nb::handle weight) {
  const std::shared_ptr<Readers> kept = FreshReaders();
  RowReader& reader = kept->learn;
  if (learning_ == nullptr || !learning_->pusher->status().ok()) {
    auto learning = std::make_shared<Learning>();
    PusherOptions options;
    options.skip_bad_rows = true;
    options.on_rejected = [&refused = learning->refused](const RejectedRow& row) {
      refused.Note(row);
    };
    learning->pusher = Value(Pusher::Start(*client_, name_, std::move(options)));
    learning_ = learning;
  }
  const std::shared_ptr<Learning> learning = learning_;
  ExampleBatchBuilder& batch = EmptyBatch();
  batch.KeepNames(&learning->names);
  reader.Add(row, label, weight, std::nullopt, batch);
  // Under the interpreter's lock, so that the index is that of this row.
  const uint64_t index = learning->pushed++;
  absl::Status status = learning->pusher->PushBatch(batch);
  batch.KeepNames(nullptr);
  const nb::gil_scoped_release unlocked;
  if (status.ok()) status = FlushUnlessSignalled(*learning->pusher);
  learning->refused.Check(index);
  Check(status);
}

void Model::Feedback(const v1::FeedbackItem& item) {
  CheckProcess();
  if (feedback_ == nullptr || !feedback_->pusher->status().ok()) {
    auto feedback = std::make_shared<Feedbacks>();
    PusherOptions options;
    options.on_rejected = [&refused = feedback->refused](const RejectedRow& row) {
      refused.Note(row);
    };
    feedback->pusher = Value(FeedbackPusher::Start(*client_, name_, std::move(options)));
    feedback_ = feedback;
  }
  const std::shared_ptr<Feedbacks> feedback = feedback_;
  // Under the interpreter's lock, so that the index is that of this item.
  const uint64_t index = feedback->pushed++;
  absl::Status status = feedback->pusher->PushBatch({&item, 1});
  const nb::gil_scoped_release unlocked;
  if (status.ok()) status = FlushUnlessSignalled(*feedback->pusher);
  // When Close() returns, the refused item has been named.
  if (absl::IsInvalidArgument(status)) (void)feedback->pusher->Close();
  feedback->refused.Check(index);
  Check(status);
}

std::unique_ptr<Stream> Model::OpenStream(FieldOptions fields, StreamOptions options) {
  Refresh();
  return std::make_unique<Stream>(client_, name_, FreshReaders()->input, std::move(fields),
                                  std::move(options));
}

}  // namespace freshet::python
