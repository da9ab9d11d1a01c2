#include "client/packed_encoder.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/feature/canonical_batch.h"
#include "core/feature/hash.h"

namespace freshet {
namespace {

template <typename T>
void Assign(std::span<const T> from, google::protobuf::RepeatedField<T>* to) {
  to->Clear();
  if (from.empty()) return;
  to->Reserve(static_cast<int>(from.size()));
  std::memcpy(to->AddNAlreadyReserved(static_cast<int>(from.size())), from.data(),
              from.size_bytes());
}

bool SameShape(std::span<const uint32_t> segment_sizes, size_t namespaces, size_t rows) {
  for (size_t row = 1; row < rows; ++row) {
    if (std::memcmp(segment_sizes.data(), segment_sizes.data() + row * namespaces,
                    namespaces * sizeof(uint32_t)) != 0) {
      return false;
    }
  }
  return true;
}

// The names of the namespaces in their new order. If several were merged into one, the name of the
// first.
std::vector<std::string_view> InOrder(std::span<const std::string_view> names,
                                      const NamespaceOrder& order) {
  std::vector<std::string_view> ordered;
  for (const uint32_t source : order.sources) {
    if (order.places[source] == ordered.size()) ordered.push_back(names[source]);
  }
  return ordered;
}

// The index that EncodePackedBatch() gives each of these namespaces.
std::vector<uint32_t> PlacesOf(std::span<const std::string> namespaces) {
  std::vector<uint32_t> hashes;
  for (const std::string& name : namespaces) hashes.push_back(HashNamespace(name));
  const std::vector<std::string_view> names(namespaces.begin(), namespaces.end());
  return OrderNamespaces(hashes, names).places;
}

// Keeps the spans of `column` that belong to rows not in `dropped`; span_end(row) tells where a
// row's span ends.
template <typename T, typename SpanEnd>
void KeepRows(size_t row_count, std::span<const uint32_t> dropped, const SpanEnd& span_end,
              google::protobuf::RepeatedField<T>* column) {
  if (column->empty()) return;
  T* data = column->mutable_data();
  size_t begin = 0;
  size_t kept = 0;
  size_t next_dropped = 0;
  for (size_t row = 0; row < row_count; ++row) {
    const size_t end = span_end(row);
    if (next_dropped < dropped.size() && dropped[next_dropped] == row) {
      ++next_dropped;
    } else {
      std::memmove(data + kept, data + begin, (end - begin) * sizeof(T));
      kept += end - begin;
    }
    begin = end;
  }
  column->Truncate(static_cast<int>(kept));
}

}  // namespace

void EncodePackedBatch(const ExampleBatchBuilder& batch, PackedLabels labels,
                       v1::PackedBatch* packed) {
  ExampleBatch view = batch.View();
  std::vector<std::string_view> namespaces(batch.namespaces().begin(), batch.namespaces().end());
  CanonicalBatch canonical;
  if (!AreInOrder(view.namespace_hashes)) {
    view = canonical.Build(view, namespaces);
    namespaces = InOrder(namespaces, canonical.order());
  }
  packed->mutable_namespaces()->Clear();
  for (const std::string_view name : namespaces) packed->add_namespaces(name.data(), name.size());
  if (labels == PackedLabels::kKeep) {
    Assign(view.labels, packed->mutable_labels());
    Assign(view.weights, packed->mutable_weights());
    packed->set_row_count(0);
  } else {
    packed->clear_labels();
    packed->clear_weights();
    packed->set_row_count(static_cast<uint32_t>(view.size()));
  }
  Assign(view.feature_ids, packed->mutable_feature_ids());
  Assign(view.values, packed->mutable_values());
  if (namespaces.empty()) {
    // The format requires at least one namespace, even if no row has a feature.
    packed->add_namespaces("");
    packed->clear_segment_sizes();
    packed->add_segment_sizes(0);
    return;
  }
  const bool same_shape =
      view.segment_sizes.size() == namespaces.size() ||
      (view.size() > 0 && SameShape(view.segment_sizes, namespaces.size(), view.size()));
  Assign(same_shape ? view.segment_sizes.first(namespaces.size()) : view.segment_sizes,
         packed->mutable_segment_sizes());
}

void EncodeNames(std::span<const std::string> namespaces, NewNames* names,
                 v1::PackedBatch* packed) {
  constexpr size_t kMaxBytes = size_t{1} << 20;
  constexpr size_t kBytesOfOthers = 12;  // About what a FeatureName takes in addition to its name.
  packed->clear_names();
  size_t bytes = 0;
  // Computed only when needed: most batches have no new names.
  std::optional<std::vector<uint32_t>> places;
  auto name_space = namespaces.end();  // Often the same for consecutive names.
  names->TakeIf([&](const NewNames::Name& name) {
    if (name_space == namespaces.end() || *name_space != name.name_space) {
      name_space = std::find(namespaces.begin(), namespaces.end(), name.name_space);
    }
    const size_t size = name.name.size() + kBytesOfOthers;
    if (name_space == namespaces.end() || bytes + size > kMaxBytes) return false;
    bytes += size;
    if (!places) places = PlacesOf(namespaces);
    v1::FeatureName& out = *packed->add_names();
    out.set_id(name.id);
    out.set_namespace_index((*places)[static_cast<size_t>(name_space - namespaces.begin())]);
    out.set_name(name.name.data(), name.name.size());
    return true;
  });
}

void DropRows(std::span<const uint32_t> rows, v1::PackedBatch* packed) {
  const auto row_count = static_cast<size_t>(packed->labels_size());
  const auto namespaces = static_cast<size_t>(packed->namespaces_size());
  const auto& sizes = packed->segment_sizes();
  const bool same_shape = static_cast<size_t>(sizes.size()) == namespaces;
  std::vector<size_t> row_ends(row_count);
  size_t end = 0;
  for (size_t row = 0; row < row_count; ++row) {
    const auto first = sizes.begin() + static_cast<ptrdiff_t>(same_shape ? 0 : row * namespaces);
    end = std::accumulate(first, first + static_cast<ptrdiff_t>(namespaces), end);
    row_ends[row] = end;
  }
  const auto one_a_row = [](size_t row) { return row + 1; };
  const auto features_of_row = [&row_ends](size_t row) { return row_ends[row]; };
  KeepRows(row_count, rows, one_a_row, packed->mutable_labels());
  KeepRows(row_count, rows, one_a_row, packed->mutable_weights());
  KeepRows(row_count, rows, features_of_row, packed->mutable_feature_ids());
  KeepRows(row_count, rows, features_of_row, packed->mutable_values());
  if (!same_shape) {
    const auto segments_of_row = [namespaces](size_t row) { return (row + 1) * namespaces; };
    KeepRows(row_count, rows, segments_of_row, packed->mutable_segment_sizes());
  }
}

}  // namespace freshet
