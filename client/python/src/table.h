// Tables by the Arrow C stream interface: of pandas, Polars, PyArrow, DuckDB and others, without
// their libraries.

#ifndef FRESHET_CLIENT_PYTHON_SRC_TABLE_H_
#define FRESHET_CLIENT_PYTHON_SRC_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct ArrowArrayStream;

namespace freshet::python {

// The chunks of a table, one at a time. Needs no lock of the interpreter. Not thread-safe.
class Table {
 public:
  // Takes the stream over. INVALID_ARGUMENT names the first column whose type gives no features,
  // unless `is_left_out` holds for its name.
  static absl::StatusOr<std::unique_ptr<Table>> Open(
      ArrowArrayStream* stream, const std::function<bool(std::string_view)>& is_left_out);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // Goes on to the next chunk that has rows. False at the end.
  absl::StatusOr<bool> NextChunk();

  size_t row_count() const;  // Of the chunk.

  // Sets `text` to the row of the chunk as a JSON object: text as a string, numbers as Python
  // writes them, times and days in the forms of ISO 8601, lists, structs. NaN counts as null.
  // INVALID_ARGUMENT names a column with an infinite number.
  absl::Status RowText(size_t row, std::string& text) const;

 private:
  struct State;
  class Column;
  explicit Table(std::unique_ptr<State> state);

  const std::unique_ptr<State> state_;
};

}  // namespace freshet::python

#endif  // FRESHET_CLIENT_PYTHON_SRC_TABLE_H_
