#include "core/feature/canonical_batch.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace freshet {
namespace {

bool HasZero(std::span<const float> values) {
  uint32_t zeros = 0;  // No branch per value, so that the loop can be vectorised.
  for (const float value : values) zeros |= static_cast<uint32_t>(value == 0.0f);
  return zeros != 0;
}

// The segment sizes that all rows share; empty if rows differ.
std::span<const uint32_t> SharedSizes(const ExampleBatch& batch) {
  const size_t count = batch.namespace_hashes.size();
  if (count == 0 || batch.segment_sizes.size() < count) return {};
  const std::span<const uint32_t> first = batch.segment_sizes.first(count);
  for (size_t at = count; at < batch.segment_sizes.size(); at += count) {
    if (!std::equal(first.begin(), first.end(), batch.segment_sizes.begin() + at)) return {};
  }
  return first;
}

}  // namespace

NamespaceOrder OrderNamespaces(std::span<const uint32_t> hashes,
                               std::span<const std::string_view> names) {
  NamespaceOrder order;
  order.sources.resize(hashes.size());
  std::iota(order.sources.begin(), order.sources.end(), 0U);
  std::sort(order.sources.begin(), order.sources.end(), [&](uint32_t a, uint32_t b) {
    return std::tie(hashes[a], names[a]) < std::tie(hashes[b], names[b]);
  });
  order.places.resize(hashes.size());
  for (const uint32_t source : order.sources) {
    if (order.hashes.empty() || order.hashes.back() != hashes[source]) {
      order.hashes.push_back(hashes[source]);
    }
    order.places[source] = static_cast<uint32_t>(order.hashes.size() - 1);
  }
  return order;
}

bool AreInOrder(std::span<const uint32_t> namespace_hashes) {
  return std::adjacent_find(namespace_hashes.begin(), namespace_hashes.end(),
                            [](uint32_t a, uint32_t b) { return a >= b; }) ==
         namespace_hashes.end();
}

bool IsCanonical(const ExampleBatch& batch) {
  return AreInOrder(batch.namespace_hashes) && !HasZero(batch.values);
}

ExampleBatch CanonicalBatch::Build(const ExampleBatch& batch,
                                   std::span<const std::string_view> names) {
  order_ = OrderNamespaces(batch.namespace_hashes, names);
  feature_ids_.clear();
  values_.clear();
  segment_sizes_.clear();
  row_ends_.clear();
  const std::span<const uint32_t> sizes = SharedSizes(batch);
  ExampleBatch built = batch;
  if (!sizes.empty() && !HasZero(batch.values)) {
    MoveLikeRows(batch, sizes);
  } else {
    MoveRows(batch);
    built.row_ends = row_ends_;
  }
  if (!batch.namespace_letters.empty()) {
    letters_.resize(order_.hashes.size());
    // Of several namespaces with one hash, the first by name.
    for (size_t i = order_.sources.size(); i-- > 0;) {
      const uint32_t source = order_.sources[i];
      letters_[order_.places[source]] = batch.namespace_letters[source];
    }
    built.namespace_letters = letters_;
  }
  built.namespace_hashes = order_.hashes;
  built.feature_ids = feature_ids_;
  built.values = values_;
  built.segment_sizes = segment_sizes_;
  return built;
}

void CanonicalBatch::MoveLikeRows(const ExampleBatch& batch, std::span<const uint32_t> sizes) {
  segment_sizes_.resize(order_.hashes.size());
  moves_.clear();
  for (const uint32_t source : order_.sources) {
    segment_sizes_[order_.places[source]] += sizes[source];
    const uint32_t begin = std::accumulate(sizes.begin(), sizes.begin() + source, 0U);
    for (uint32_t i = 0; i < sizes[source]; ++i) moves_.push_back(begin + i);
  }
  const size_t row_size = moves_.size();
  feature_ids_.resize(batch.feature_ids.size());
  values_.resize(batch.values.size());
  for (size_t begin = 0; begin < feature_ids_.size(); begin += row_size) {
    for (size_t i = 0; i < row_size; ++i) {
      feature_ids_[begin + i] = batch.feature_ids[begin + moves_[i]];
    }
  }
  for (size_t begin = 0; begin < values_.size(); begin += row_size) {
    for (size_t i = 0; i < row_size; ++i) values_[begin + i] = batch.values[begin + moves_[i]];
  }
}

void CanonicalBatch::MoveRows(const ExampleBatch& batch) {
  const size_t count = batch.namespace_hashes.size();
  const bool shared = batch.segment_sizes.size() == count;
  feature_ids_.reserve(batch.feature_ids.size());
  values_.reserve(batch.values.size());
  row_ends_.reserve(batch.size());
  segment_sizes_.resize(batch.size() * order_.hashes.size());
  moves_.resize(count);
  for (size_t row = 0; row < batch.size(); ++row) {
    const uint32_t* const sizes = batch.segment_sizes.data() + (shared ? 0 : row * count);
    uint32_t* const new_sizes = segment_sizes_.data() + row * order_.hashes.size();
    uint32_t begin = batch.RowBegin(row);
    for (size_t i = 0; i < count; ++i) {
      moves_[i] = begin;
      begin += sizes[i];
    }
    for (const uint32_t source : order_.sources) {
      const size_t before = feature_ids_.size();
      MoveSegment(batch, moves_[source], moves_[source] + sizes[source]);
      new_sizes[order_.places[source]] += static_cast<uint32_t>(feature_ids_.size() - before);
    }
    row_ends_.push_back(static_cast<uint32_t>(feature_ids_.size()));
  }
}

void CanonicalBatch::MoveSegment(const ExampleBatch& batch, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    if (!batch.values.empty()) {
      if (batch.values[i] == 0) continue;
      values_.push_back(batch.values[i]);
    }
    feature_ids_.push_back(batch.feature_ids[i]);
  }
}

uint64_t CanonicalBatch::column_bytes() const {
  return sizeof(uint32_t) * (feature_ids_.capacity() + values_.capacity() + row_ends_.capacity() +
                             segment_sizes_.capacity() + moves_.capacity());
}

}  // namespace freshet
