#include "client/packed_encoder.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

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
  const ExampleBatch view = batch.View();
  const std::span<const std::string> namespaces = batch.namespaces();
  packed->mutable_namespaces()->Clear();
  for (const std::string& name : namespaces) packed->add_namespaces(name);
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
    // Rows without any feature still need a namespace to have none of.
    packed->add_namespaces("");
    packed->clear_segment_sizes();
    packed->add_segment_sizes(0);
    return;
  }
  const bool same_shape =
      view.size() > 0 && SameShape(view.segment_sizes, namespaces.size(), view.size());
  Assign(same_shape ? view.segment_sizes.first(namespaces.size()) : view.segment_sizes,
         packed->mutable_segment_sizes());
}

void EncodeNames(std::span<const std::string> namespaces, NewNames* names,
                 v1::PackedBatch* packed) {
  constexpr size_t kMaxBytes = size_t{1} << 20;
  constexpr size_t kBytesOfOthers = 12;  // About what a FeatureName takes beside its name.
  packed->clear_names();
  size_t bytes = 0;
  auto name_space = namespaces.end();  // Often the same as that of the name before.
  names->TakeIf([&](const NewNames::Name& name) {
    if (name_space == namespaces.end() || *name_space != name.name_space) {
      name_space = std::find(namespaces.begin(), namespaces.end(), name.name_space);
    }
    const size_t size = name.name.size() + kBytesOfOthers;
    if (name_space == namespaces.end() || bytes + size > kMaxBytes) return false;
    bytes += size;
    v1::FeatureName& out = *packed->add_names();
    out.set_id(name.id);
    out.set_namespace_index(static_cast<uint32_t>(name_space - namespaces.begin()));
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
