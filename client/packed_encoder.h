// From columns in memory to columns on the wire.

#ifndef FRESHET_CLIENT_PACKED_ENCODER_H_
#define FRESHET_CLIENT_PACKED_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/feature/example_batch.h"
#include "core/feature/new_names.h"
#include "freshet/v1/example.pb.h"

namespace freshet {

// A batch is sent when it has this many different namespaces, whatever its number of rows: it
// carries a number for each namespace of each row, and the server takes at most 1024 namespaces.
inline constexpr size_t kFullBatchNamespaces = 512;

// A batch is sent when its columns take this many bytes: with names of features, and a last row as
// wide as rows may be, it still fits well into a message of 16 MiB, which is what servers take if
// nothing else is configured (limits.max_message_bytes).
inline constexpr size_t kFullBatchBytes = size_t{4} << 20;

// What the columns of `batch` take on the wire, but for a few bytes a row.
inline size_t ColumnBytes(const ExampleBatchBuilder& batch) {
  return batch.row_count() * (2 * sizeof(float) + batch.namespaces().size()) +
         batch.feature_count() * (batch.all_values_one() ? 1 : 2) * sizeof(uint32_t);
}

// Whether `batch` is to be sent: it has `max_rows` rows, or many namespaces, or many bytes.
inline bool IsFull(const ExampleBatchBuilder& batch, size_t max_rows) {
  return batch.row_count() >= max_rows || batch.namespaces().size() >= kFullBatchNamespaces ||
         ColumnBytes(batch) >= kFullBatchBytes;
}

// What to do with labels and weights: predictions need none.
enum class PackedLabels { kKeep, kLeaveOut };

// Overwrites `packed`, but for its names, with the ended rows of `batch`; its memory is reused.
// Features come in the order in which they are learned (see core/feature/canonical_batch.h), so
// that the server need not put them in order. Columns that say nothing are left out: weights and
// values that are all 1, segment sizes that all rows share.
void EncodePackedBatch(const ExampleBatchBuilder& batch, PackedLabels labels,
                       v1::PackedBatch* packed);

// Overwrites the names of `packed` with those in `names` whose namespace is in the batch, oldest
// first, until they take about a mebibyte, and takes them out. They leave room in a message of the
// size that servers take. REQUIRES: EncodePackedBatch() gets, or got, a batch with these
// namespaces.
void EncodeNames(std::span<const std::string> namespaces, NewNames* names, v1::PackedBatch* packed);

// Removes rows. REQUIRES: `rows` rises and `packed` comes from EncodePackedBatch() with labels.
void DropRows(std::span<const uint32_t> rows, v1::PackedBatch* packed);

}  // namespace freshet

#endif  // FRESHET_CLIENT_PACKED_ENCODER_H_
