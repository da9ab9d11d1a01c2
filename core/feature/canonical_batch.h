// Puts the features of a batch into canonical order. Sums of floats depend on their order, so
// learning in this order makes the same rows give bit-identical state, however they were sent: in
// whatever form, order of namespaces, or division into batches.
//
// In canonical order, namespaces are sorted by hash. Namespaces with the same hash form one
// namespace, in which their features are sorted by namespace name. Otherwise features keep their
// order within a namespace. No value is 0.

#ifndef FRESHET_CORE_FEATURE_CANONICAL_BATCH_H_
#define FRESHET_CORE_FEATURE_CANONICAL_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/feature/example_batch.h"

namespace freshet {

// How to put the namespaces of a batch into canonical order.
struct NamespaceOrder {
  std::vector<uint32_t> hashes;   // Hashes of the canonical namespaces, strictly ascending.
  std::vector<uint32_t> sources;  // Indices of the batch's namespaces, by hash and then by name.
  std::vector<uint32_t> places;   // For each of the batch's namespaces, its index in `hashes`.
};

// `hashes` and `names` hold one entry for each namespace of the batch.
NamespaceOrder OrderNamespaces(std::span<const uint32_t> hashes,
                               std::span<const std::string_view> names);

// Whether namespaces with these hashes are already in canonical order.
bool AreInOrder(std::span<const uint32_t> namespace_hashes);

// Whether the whole batch is already in canonical order. Takes one pass over hashes and values.
bool IsCanonical(const ExampleBatch& batch);

// Owns the columns of a batch that had to be put into canonical order. Not thread-safe; reusable.
class CanonicalBatch {
 public:
  // The same rows in canonical order. The view refers to this object and to what `batch` refers to;
  // it is valid until the next call. `names` are the names of the batch's namespaces.
  ExampleBatch Build(const ExampleBatch& batch, std::span<const std::string_view> names);

  // The namespace order of the batch that was built last.
  const NamespaceOrder& order() const { return order_; }

  // The memory that the columns occupy.
  uint64_t column_bytes() const;

 private:
  // For batches in which all rows have the segment sizes `sizes` and no value is 0.
  void MoveLikeRows(const ExampleBatch& batch, std::span<const uint32_t> sizes);
  void MoveRows(const ExampleBatch& batch);
  void MoveSegment(const ExampleBatch& batch, size_t begin, size_t end);

  NamespaceOrder order_;
  std::vector<uint32_t> feature_ids_;
  std::vector<float> values_;
  std::vector<uint32_t> row_ends_;
  std::vector<uint32_t> segment_sizes_;
  std::vector<unsigned char> letters_;
  std::vector<uint32_t> moves_;  // Scratch: positions of the features, or segments, of one row.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_CANONICAL_BATCH_H_
