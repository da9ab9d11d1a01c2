// Predictions as lines of a file.

#ifndef FRESHET_CLIENT_COMMAND_PREDICTION_FILE_H_
#define FRESHET_CLIENT_COMMAND_PREDICTION_FILE_H_

#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace freshet {

// A file with one prediction a line. Not thread-safe.
class PredictionFile {
 public:
  // Creates or empties the file.
  static absl::StatusOr<std::unique_ptr<PredictionFile>> Create(const std::string& path);
  ~PredictionFile();
  PredictionFile(const PredictionFile&) = delete;
  PredictionFile& operator=(const PredictionFile&) = delete;

  // Adds lines. The first failure is kept for Close().
  void Write(std::span<const float> predictions);

  // Ends the file; tells whether everything was written.
  absl::Status Close();

 private:
  PredictionFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  const std::string path_;
  std::FILE* file_;  // Null after Close().
  absl::Status status_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PREDICTION_FILE_H_
