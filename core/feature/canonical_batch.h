// The one order of a batch's features. Sums of floats depend on their order: in this one the same
// rows give the same state to the bit, in whatever form, order and cut they were sent.
//
// Namespaces rise by their hash, and those of one hash are one namespace, whose features come by
// the namespace's name. Within a namespace features keep their order. No value is 0.

#ifndef FRESHET_CORE_FEATURE_CANONICAL_BATCH_H_
#define FRESHET_CORE_FEATURE_CANONICAL_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/feature/example_batch.h"

namespace freshet {

// How the namespaces of a batch are put in order.
struct NamespaceOrder {
  std::vector<uint32_t> hashes;   // Of the namespaces in order: rise.
  std::vector<uint32_t> sources;  // The batch's namespaces, by hash and then by name.
  std::vector<uint32_t> places;   // For each of the batch's, the namespace in order that it is in.
};

// One hash and one name for each namespace of the batch.
NamespaceOrder OrderNamespaces(std::span<const uint32_t> hashes,
                               std::span<const std::string_view> names);

// Whether namespaces with these hashes are in order as they are.
bool AreInOrder(std::span<const uint32_t> namespace_hashes);

// Whether the whole batch is in order as it is. One pass over hashes and values.
bool IsCanonical(const ExampleBatch& batch);

// Owns columns that had to be put in order. Not thread-safe; reusable.
class CanonicalBatch {
 public:
  // The same rows in order. The view refers to this object and to what `batch` refers to; it is
  // valid until the next call. `names` are those of the batch's namespaces.
  ExampleBatch Build(const ExampleBatch& batch, std::span<const std::string_view> names);

  // Of the batch that was built last.
  const NamespaceOrder& order() const { return order_; }

  // The memory that the columns take.
  uint64_t column_bytes() const;

 private:
  // For rows that are all of the shape `sizes` and have no values of 0.
  void MoveLikeRows(const ExampleBatch& batch, std::span<const uint32_t> sizes);
  void MoveRows(const ExampleBatch& batch);
  void MoveSegment(const ExampleBatch& batch, size_t begin, size_t end);

  NamespaceOrder order_;
  std::vector<uint32_t> feature_ids_;
  std::vector<float> values_;
  std::vector<uint32_t> row_ends_;
  std::vector<uint32_t> segment_sizes_;
  std::vector<uint32_t> moves_;  // Scratch: where the features of one row, or its segments, are.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_CANONICAL_BATCH_H_
