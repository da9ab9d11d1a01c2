// Predictions as lines of a file.

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

// A file with a line for each row of the input: its prediction, or nan where there is none. Rows
// that are pushed are counted from 0; bad ones, which are not, stand between them.
//
// Thread-safe: one thread may read rows and another get predictions.
class PredictionFile {
 public:
  // Creates or empties the file.
  static absl::StatusOr<std::unique_ptr<PredictionFile>> Create(const std::string& path);
  ~PredictionFile();
  PredictionFile(const PredictionFile&) = delete;
  PredictionFile& operator=(const PredictionFile&) = delete;

  // Adds a bad row, before the pushed row `next_row`, whose prediction has not been written.
  void AddBadRow(uint64_t next_row);

  // Adds the predictions of the next pushed rows. The first failure is kept for Close().
  void Write(std::span<const float> predictions);

  // Ends the file; tells whether everything was written.
  absl::Status Close();

 private:
  PredictionFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  // The lines of bad rows before the next pushed row.
  std::string TakeBadRows() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteText(std::string_view text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  SteadyMutex mu_;
  std::FILE* file_ ABSL_GUARDED_BY(mu_);  // Null after Close().
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  uint64_t row_count_ ABSL_GUARDED_BY(mu_) = 0;         // Pushed rows that are written.
  std::deque<uint64_t> bad_rows_ ABSL_GUARDED_BY(mu_);  // Of each the pushed row behind it; rises.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PREDICTION_FILE_H_
