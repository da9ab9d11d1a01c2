// Reads JSON lines as the input mapping of a model says.

#ifndef FRESHET_SERVER_HTTP_JSON_ROWS_H_
#define FRESHET_SERVER_HTTP_JSON_ROWS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/format/field_roles.h"
#include "freshet/v1/example.pb.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

struct MappedLines {
  std::shared_ptr<const PreparedInput> input;
  bool labels_required = true;  // True for learning.
  uint32_t max_examples = 0;
};

// Reads a row from each line that is not blank; see core/format/jsonl_format.h. Appends to
// `warnings` what is odd about rows that could be read all the same. Returns false, with rows and
// reasons in `error`, if any line cannot be read or there are more than `max_examples`.
// Adds the event id of each row to `event_ids`, empty if the row has none.
bool ReadMappedLines(std::string_view lines, const MappedLines& options, v1::PackedBatch& batch,
                     std::vector<std::string>& event_ids, v1::BatchError& error,
                     std::vector<std::string>& warnings);

// Adds a bad row to `error`, which shows the first rows and counts all.
void AddBadRow(uint32_t row, std::string_view field, std::string_view reason,
               v1::BatchError& error);

// Sets code and message by the rows of `error`; returns false if there is none.
bool FinishBadRows(v1::BatchError& error);

// Says in `error` that a request has too many examples.
void SetTooManyExamples(uint32_t max_examples, v1::BatchError& error);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_ROWS_H_
