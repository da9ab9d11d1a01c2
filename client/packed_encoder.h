// Encodes batches of examples as PackedBatch messages.

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

// A batch with this many different namespaces is full, however few rows it has: it carries a number
// for each namespace of each row, and the server accepts at most 1024 namespaces.
inline constexpr size_t kFullBatchNamespaces = 512;
inline constexpr size_t kMaxBatchNamespaces = 1024;

// A batch whose columns take this many bytes is full. Even with names of features and a last row of
// the greatest width allowed, it then fits well into a message of 16 MiB, the default limit of
// servers (limits.max_message_bytes).
inline constexpr size_t kFullBatchBytes = size_t{4} << 20;

// The number of bytes that the columns of `batch` take on the wire, accurate to a few bytes per
// row.
inline size_t ColumnBytes(const ExampleBatchBuilder& batch) {
  return batch.row_count() * (2 * sizeof(float) + batch.namespaces().size()) +
         batch.feature_count() * (batch.all_values_one() ? 1 : 2) * sizeof(uint32_t);
}

// Whether `batch` should be sent now: it has `max_rows` rows, kFullBatchNamespaces namespaces or
// kFullBatchBytes bytes.
inline bool IsFull(const ExampleBatchBuilder& batch, size_t max_rows) {
  return batch.row_count() >= max_rows || batch.namespaces().size() >= kFullBatchNamespaces ||
         ColumnBytes(batch) >= kFullBatchBytes;
}

// Whether `batch` has more namespaces than servers accept. Its last row may have brought them; it
// then belongs into a batch of its own, by ExampleBatchBuilder::MoveLastRowTo().
inline bool HasTooManyNamespaces(const ExampleBatchBuilder& batch) {
  return batch.namespaces().size() > kMaxBatchNamespaces;
}

// What to do with labels and weights, which predicting does not need.
enum class PackedLabels { kKeep, kLeaveOut };

// Overwrites `packed`, except for its names, with the completed rows of `batch`; reuses the memory
// of `packed`. Features are put in the order in which they are learned (see
// core/feature/canonical_batch.h), so that the server need not reorder them. Redundant columns are
// left out: weights or values that are all 1. Segment sizes that all rows share are sent once.
void EncodePackedBatch(const ExampleBatchBuilder& batch, PackedLabels labels,
                       v1::PackedBatch* packed);

// Moves names from `names` to `packed`, overwriting those that `packed` had: oldest first, only
// names whose namespace is in `namespaces`, and at most about 1 MiB, so that the message stays
// within the limit of servers. REQUIRES: `namespaces` are those of the batch that
// EncodePackedBatch() encodes to `packed`, before or after this call.
void EncodeNames(std::span<const std::string> namespaces, NewNames* names, v1::PackedBatch* packed);

// Removes the rows with the numbers `rows`. REQUIRES: `rows` is strictly ascending; `packed` comes
// from EncodePackedBatch() with labels.
void DropRows(std::span<const uint32_t> rows, v1::PackedBatch* packed);

}  // namespace freshet

#endif  // FRESHET_CLIENT_PACKED_ENCODER_H_
