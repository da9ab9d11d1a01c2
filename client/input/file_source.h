// Reads the raw bytes of a file, a pipe or standard input.

#ifndef FRESHET_CLIENT_INPUT_FILE_SOURCE_H_
#define FRESHET_CLIENT_INPUT_FILE_SOURCE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "client/input/byte_source.h"

namespace freshet {

// When following a file, Read() returns 0 only if waiting was stopped, or if the file was truncated
// or replaced by another file of its name, so that it has to be opened again.
class FileSource final : public ByteSource {
 public:
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(const std::string& path,
                                                          ByteSourceOptions options);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  absl::StatusOr<size_t> Read(std::span<char> out) override;
  bool WaitReadable(std::chrono::milliseconds timeout) override;
  uint64_t bytes_consumed() const override { return position_; }

 private:
  enum class State { kReadable, kStale, kWaiting };

  FileSource(std::string path, int descriptor, bool regular, uint64_t position,
             ByteSourceOptions options);
  bool Stopped() const;
  State Look() const;
  State LookAtFollowedFile() const;

  const std::string path_;
  const int descriptor_;
  const bool regular_;
  const ByteSourceOptions options_;
  uint64_t position_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_FILE_SOURCE_H_
