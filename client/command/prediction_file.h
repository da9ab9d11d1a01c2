// Writes predictions to a file, one per line.

#ifndef FRESHET_CLIENT_COMMAND_PREDICTION_FILE_H_
#define FRESHET_CLIENT_COMMAND_PREDICTION_FILE_H_

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/thread/steady_mutex.h"

namespace freshet {

// A file with a line for each row of the input: its prediction, or nan if there is none. Pushed
// rows are numbered from 0. Bad rows are never pushed and have no number; their lines go between
// those of the pushed rows, in input order.
//
// Threads: all methods may be called from any thread, so that one thread can read rows and report
// bad ones while another receives predictions.
class PredictionFile {
 public:
  // Creates the file, or truncates it if it exists.
  static absl::StatusOr<std::unique_ptr<PredictionFile>> Create(const std::string& path);
  ~PredictionFile();
  PredictionFile(const PredictionFile&) = delete;
  PredictionFile& operator=(const PredictionFile&) = delete;

  // Adds a bad row that comes before the pushed row `next_row`. REQUIRES: the prediction of
  // `next_row` has not been written yet; `next_row` never decreases from call to call.
  void AddBadRow(uint64_t next_row);

  // Adds the predictions of the next pushed rows. If writing fails, Close() returns the error.
  void Write(std::span<const float> predictions);

  // Closes the file. Returns the first error of this or an earlier call, if any.
  absl::Status Close();

 private:
  PredictionFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  // Removes the bad rows that come before the next pushed row and returns their lines.
  std::string TakeBadRows() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteText(std::string_view text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  SteadyMutex mu_;
  std::FILE* file_ ABSL_GUARDED_BY(mu_);  // Null after Close().
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  uint64_t row_count_ ABSL_GUARDED_BY(mu_) = 0;  // Pushed rows written so far.
  // For each bad row not written yet, the number of the pushed row after it; ascending.
  std::deque<uint64_t> bad_rows_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PREDICTION_FILE_H_
