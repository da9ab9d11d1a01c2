#include "core/feature/quantile_bins.h"

#include <algorithm>
#include <cmath>

#include "core/feature/example_batch.h"
#include "core/feature/value_bins.h"

namespace freshet {

void QuantileBins::Append(std::span<const uint32_t> ids, std::span<const float> values,
                          FeatureColumns& columns) const {
  for (size_t i = 0; i < ids.size(); ++i) {
    const float value = ValueAt(values, i);
    const uint32_t number = index_.Find(ids[i]);
    if (number != FeatureIndex::kNone) {
      columns.Add(BinId(ids[i], BinOf(*numbers_[number], value)), 1);
    } else {
      AppendUnknown(ids[i], value, columns);
    }
  }
}

void QuantileBins::AppendUnknown(std::span<const uint32_t> ids, std::span<const float> values,
                                 FeatureColumns& columns) {
  for (size_t i = 0; i < ids.size(); ++i) AppendUnknown(ids[i], ValueAt(values, i), columns);
}

void QuantileBins::AppendUnknown(uint32_t id, float value, FeatureColumns& columns) {
  if (value != 0) columns.Add(value == 1.0f ? id : BinId(id, 0), 1);
}

uint32_t QuantileBins::BinOf(const Number& number, float value) const {
  size_t begin = 0;
  size_t end = bound_count_;
  while (begin < end) {  // Binary search for the number of bounds below the value.
    const size_t middle = (begin + end) / 2;
    if (number.bounds[middle].load(std::memory_order_relaxed) < value) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return static_cast<uint32_t>(begin);
}

void QuantileBins::Observe(std::span<const uint32_t> ids, std::span<const float> values) {
  for (size_t i = 0; i < ids.size(); ++i) {
    const float value = ValueAt(values, i);
    uint32_t found = index_.Find(ids[i]);
    if (found == FeatureIndex::kNone) {
      if (value == 1.0f || value == 0.0f || index_.size() == FeatureIndex::kCapacity) continue;
      found = index_.size();
      Add(ids[i]);
    }
    Number& number = *numbers_[found];
    number.sketch.Add(value);
    if (number.sketch.count() < number.next_move) continue;
    number.next_move += std::max<uint64_t>(1, number.sketch.count() / 8);
    found_bounds_.resize(bound_count_);
    number.sketch.FindQuantiles(found_bounds_);
    for (size_t k = 0; k < bound_count_; ++k) {
      number.bounds[k].store(found_bounds_[k], std::memory_order_relaxed);
    }
  }
}

QuantileBins::Number& QuantileBins::Add(uint32_t id) {
  std::unique_ptr<Number>& number = numbers_[index_.size()];
  number = std::make_unique<Number>(bound_count_);
  index_.Add(id);
  return *number;
}

void QuantileBins::SaveState(StateWriter& writer) const {
  writer.WriteValue(static_cast<uint32_t>(bound_count_));
  writer.WriteValue(index_.size());
  for (uint32_t i = 0; i < index_.size(); ++i) {
    const Number& number = *numbers_[i];
    writer.WriteValue(index_.IdOf(i));
    writer.WriteValue(number.next_move);
    for (size_t k = 0; k < bound_count_; ++k) {
      writer.WriteValue(number.bounds[k].load(std::memory_order_relaxed));
    }
    number.sketch.SaveState(writer);
  }
}

absl::Status QuantileBins::LoadState(StateReader& reader) {
  const auto impossible = [&reader] {
    return reader.Damaged(
        "the quantile bins of a numeric feature do not fit the model or are not finite");
  };
  if (reader.ReadValue<uint32_t>() != bound_count_) return impossible();
  const auto size = reader.ReadValue<uint32_t>();
  if (size > FeatureIndex::kCapacity) return impossible();
  for (uint32_t i = 0; i < size; ++i) {
    const auto id = reader.ReadValue<uint32_t>();
    if (!reader.status().ok()) return reader.status();
    if (index_.Find(id) != FeatureIndex::kNone) return impossible();
    Number& number = Add(id);
    number.next_move = reader.ReadValue<uint64_t>();
    bool finite = true;
    for (size_t k = 0; k < bound_count_; ++k) {
      const auto bound = reader.ReadValue<float>();
      finite &= std::isfinite(bound);
      number.bounds[k].store(bound, std::memory_order_relaxed);
    }
    if (!finite) return impossible();
    if (absl::Status status = number.sketch.LoadState(reader); !status.ok()) return status;
  }
  return reader.status();
}

}  // namespace freshet
