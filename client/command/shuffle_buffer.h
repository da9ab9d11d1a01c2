// A buffer from which examples are taken in random order.

#ifndef FRESHET_CLIENT_COMMAND_SHUFFLE_BUFFER_H_
#define FRESHET_CLIENT_COMMAND_SHUFFLE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "client/command/row_positions.h"
#include "core/feature/example_batch.h"

namespace freshet {

// Holds examples and returns them in random order, the same for the same seed and sequence of
// calls. Not thread-safe.
class ShuffleBuffer {
 public:
  explicit ShuffleBuffer(uint64_t seed) : random_(seed) {}

  // Adds the rows of `batch`, all of which have the position `position`.
  void Add(const ExampleBatchBuilder& batch, RowPosition position);

  // Moves a random example to `batch` and returns its position. REQUIRES: size() > 0.
  RowPosition Take(ExampleBatchBuilder* batch);

  size_t size() const { return rows_.size(); }

 private:
  struct Segment {
    uint32_t name_index;
    uint32_t size;
  };
  struct Row {
    RowPosition position;
    float label;
    float weight;
    std::vector<Segment> segments;
    std::vector<uint32_t> ids;
    std::vector<float> values;  // Empty: all 1.
  };

  uint32_t NameIndex(const std::string& name);

  std::mt19937_64 random_;
  std::vector<std::string> names_;  // Names of all namespaces seen so far.
  std::vector<Row> rows_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_SHUFFLE_BUFFER_H_
