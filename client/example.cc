#include "client/example.h"

#include "core/feature/hash.h"

namespace freshet {

uint32_t Example::NamespaceIndex(std::string_view name) {
  // Features tend to be added namespace by namespace, so try that of the last feature first.
  if (!features_.empty() && namespaces_[features_.back().namespace_index].name == name) {
    return features_.back().namespace_index;
  }
  for (size_t i = 0; i < namespaces_.size(); ++i) {
    if (namespaces_[i].name == name) return static_cast<uint32_t>(i);
  }
  namespaces_.push_back({std::string(name), HashNamespace(name)});
  return static_cast<uint32_t>(namespaces_.size() - 1);
}

void Example::Add(std::string_view name_space, std::string_view feature, float value) {
  const uint32_t index = NamespaceIndex(name_space);
  features_.push_back({index, HashFeature(feature, namespaces_[index].hash), value,
                       static_cast<uint32_t>(names_.size()),
                       static_cast<uint32_t>(feature.size())});
  names_ += feature;
}

void Example::AddId(std::string_view name_space, uint32_t id, float value) {
  features_.push_back({NamespaceIndex(name_space), id, value, 0, 0});
}

void Example::Clear() {
  label = 0;
  weight = 1;
  features_.clear();
  names_.clear();
}

void Example::AppendTo(ExampleBatchBuilder* batch) const {
  batch->BeginRow(label, weight);
  size_t batch_index = 0;
  for (size_t i = 0; i < features_.size(); ++i) {
    const Feature& feature = features_[i];
    if (i == 0 || feature.namespace_index != features_[i - 1].namespace_index) {
      batch_index = batch->Namespace(namespaces_[feature.namespace_index].name);
    }
    const std::string_view name(names_.data() + feature.name_begin, feature.name_size);
    batch->AddFeature(batch_index, name, feature.id, feature.value);
  }
  batch->EndRow();
}

}  // namespace freshet
