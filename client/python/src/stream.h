// Learning a stream of rows: what freshet.Pusher is made of.

#ifndef FRESHET_CLIENT_PYTHON_SRC_STREAM_H_
#define FRESHET_CLIENT_PYTHON_SRC_STREAM_H_

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "client/command/known_rows.h"
#include "client/pusher.h"
#include "client/python/src/error.h"
#include "client/python/src/row_reader.h"
#include "core/feature/example_batch.h"
#include "core/feature/new_names.h"

namespace freshet::python {

struct StreamOptions {
  std::string producer_id;  // Empty: random, and nothing was pushed before.
  size_t batch_rows = 512;
  bool skip_bad_rows = false;
  double retry_s = 300;
};

using Floats = nanobind::ndarray<const float, nanobind::ndim<1>, nanobind::c_contig>;
using FloatMatrix = nanobind::ndarray<const float, nanobind::ndim<2>, nanobind::c_contig>;
using Indices = nanobind::ndarray<const int64_t, nanobind::ndim<1>, nanobind::c_contig>;

// Adds the rows of a matrix: column j is the feature that svmlight's index j is.
void AddDenseRow(std::span<const float> row, ExampleBatchBuilder& builder);
void AddSparseRow(std::span<const int64_t> columns, std::span<const float> values,
                  ExampleBatchBuilder& builder);

// Rows are counted from 0. Threads: any number of threads may push at once; a call of a method
// holds the interpreter's lock when it begins, and gives it back while it waits.
class Stream {
 public:
  Stream(std::shared_ptr<Client> client, std::string model, const ModelInput& input,
         FieldOptions fields, StreamOptions options);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void Push(nanobind::handle row, nanobind::handle label, nanobind::handle weight);
  // `progress` is called with the number of rows read now and then; may be None.
  void PushTable(const nanobind::capsule& stream, nanobind::handle progress);
  void PushFile(const std::string& path, const std::string& format, nanobind::handle progress);
  void PushDense(const FloatMatrix& rows, const Floats& labels,
                 const std::optional<Floats>& weights);
  void PushSparse(const Indices& row_ends, const Indices& columns, const Floats& values,
                  const Floats& labels, const std::optional<Floats>& weights);

  // Waits until everything is acknowledged.
  void Flush();
  // Sends what is gathered, and waits for acknowledgements at most for a time. Does not throw.
  void Settle(double seconds);
  void Close();

  nanobind::dict Stats();
  const std::string& producer_id() const { return producer_id_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  // The rows from the index `pushed` of the Pusher's stream on have the numbers from `row` on.
  struct Segment {
    uint64_t pushed;
    uint64_t row;
  };
  struct BadRowFound {
    uint64_t row;
    std::string field;
    std::string reason;
  };

  Lock LockRows();
  // The functions below are called with mu_ held and, except Gather(), without the interpreter's
  // lock.
  template <typename AddRow>
  void PushMany(uint64_t count, nanobind::handle progress, AddRow add_row);
  bool PassIfKnown();
  void Gather();
  void SkipOrThrow(StatusError error);
  void PushGathered();
  void SendIfFull();
  void CheckPush(const absl::Status& status);
  void NoteRejected(const RejectedRow& row);
  void RunLinger();
  uint64_t RowOf(uint64_t pushed) const;
  void ReportProgress(nanobind::handle progress);
  [[noreturn]] void ThrowRejected(const absl::Status& status);

  const std::shared_ptr<Client> client_;
  const std::string model_;
  const StreamOptions options_;
  const KnownRows known_;
  const int process_;
  std::string producer_id_;

  std::mutex mu_;
  std::condition_variable gathered_rows_;
  RowReader reader_;
  InputOptions file_options_;
  ExampleBatchBuilder gathered_;
  ExampleBatchBuilder single_;
  NewNames names_;
  std::chrono::steady_clock::time_point gathered_since_;
  uint64_t row_ = 0;          // Rows given so far.
  uint64_t batch_first_ = 1;  // The number, from 1, of the first row that the next batch covers.
  uint64_t last_gathered_ = 0;
  uint64_t known_count_ = 0;
  uint64_t gathered_total_ = 0;
  uint64_t bad_count_ = 0;
  std::vector<BadRowFound> bad_rows_;
  bool choose_mapping_ = false;
  bool closed_ = false;
  std::thread linger_;

  // Segments and rejections are also used by the Pusher's thread.
  mutable std::mutex rejected_mu_;
  std::deque<Segment> segments_;
  std::vector<BadRowFound> rejected_;
  uint64_t rejected_count_ = 0;

  std::unique_ptr<Pusher> pusher_;  // Last: its threads use the others.
};

}  // namespace freshet::python

#endif  // FRESHET_CLIENT_PYTHON_SRC_STREAM_H_
