// Maps the rows of a stream to their files and lines.

#ifndef FRESHET_CLIENT_COMMAND_ROW_POSITIONS_H_
#define FRESHET_CLIENT_COMMAND_ROW_POSITIONS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/thread/steady_mutex.h"

namespace freshet {

// A line of a file.
struct RowPosition {
  uint32_t path_index = 0;  // From RowPositions::PathIndex().
  uint64_t line = 0;        // From 1.
};

// Remembers the files and lines of the rows pushed most recently, so that an error can name a row
// that the server rejects by file and line. Threads: all methods may be called from any number of
// threads at once.
class RowPositions {
 public:
  // Remembers at least the last `capacity_rows` rows.
  explicit RowPositions(size_t capacity_rows) : capacity_rows_(capacity_rows) {}

  // The number by which RowPosition::path_index refers to `path`.
  uint32_t PathIndex(std::string_view path);

  // Adds the next rows of the stream.
  void Add(std::vector<RowPosition> rows);

  // "file:line" of the row with this number in the stream, counted from 0. If the row has been
  // forgotten, "row N" with N counted from 1.
  std::string Describe(uint64_t row) const;

 private:
  struct Block {
    uint64_t first_row;
    std::vector<RowPosition> rows;
  };

  const size_t capacity_rows_;
  mutable SteadyMutex mu_;
  std::vector<std::string> paths_ ABSL_GUARDED_BY(mu_);
  std::deque<Block> blocks_ ABSL_GUARDED_BY(mu_);
  uint64_t end_row_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_ROW_POSITIONS_H_
