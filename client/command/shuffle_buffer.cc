#include "client/command/shuffle_buffer.h"

#include <algorithm>
#include <utility>

namespace freshet {

uint32_t ShuffleBuffer::NameIndex(const std::string& name) {
  const auto found = std::find(names_.begin(), names_.end(), name);
  const auto index = static_cast<uint32_t>(found - names_.begin());
  if (found == names_.end()) names_.push_back(name);
  return index;
}

void ShuffleBuffer::Add(const ExampleBatchBuilder& batch, RowPosition position) {
  const ExampleBatch view = batch.View();
  const auto namespaces = batch.namespaces();
  for (size_t r = 0; r < view.size(); ++r) {
    Row row{position, view.labels[r], view.Weight(r), {}, {}, {}};
    for (size_t n = 0; n < namespaces.size(); ++n) {
      const uint32_t size = view.segment_sizes[r * namespaces.size() + n];
      if (size > 0) row.segments.push_back({NameIndex(namespaces[n]), size});
    }
    const auto ids = view.feature_ids.subspan(view.RowBegin(r), view.RowEnd(r) - view.RowBegin(r));
    row.ids.assign(ids.begin(), ids.end());
    if (!view.values.empty()) {
      const auto values = view.values.subspan(view.RowBegin(r), ids.size());
      row.values.assign(values.begin(), values.end());
    }
    rows_.push_back(std::move(row));
  }
}

RowPosition ShuffleBuffer::Take(ExampleBatchBuilder* batch) {
  std::swap(rows_[random_() % rows_.size()], rows_.back());
  const Row row = std::move(rows_.back());
  rows_.pop_back();
  batch->BeginRow(row.label, row.weight);
  size_t feature = 0;
  for (const Segment& segment : row.segments) {
    const size_t index = batch->Namespace(names_[segment.name_index]);
    for (const size_t end = feature + segment.size; feature < end; ++feature) {
      batch->AddFeature(index, row.ids[feature], row.values.empty() ? 1.0f : row.values[feature]);
    }
  }
  batch->EndRow();
  return row.position;
}

}  // namespace freshet
