// Where the rows of a stream stand in their files.

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

// Remembers where the rows that were pushed lately stand, so that a row that the server refuses can
// be named by file and line. Threads: all methods may be called at once.
class RowPositions {
 public:
  // Remembers about this many rows.
  explicit RowPositions(size_t capacity_rows) : capacity_rows_(capacity_rows) {}

  // The number of a file.
  uint32_t PathIndex(std::string_view path);

  // Adds the next rows of the stream.
  void Add(std::vector<RowPosition> rows);

  // "file:line" of a row of the stream, from 0; "row N", from 1, where it is too long ago.
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
