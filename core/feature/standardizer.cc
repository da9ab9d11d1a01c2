#include "core/feature/standardizer.h"

#include <algorithm>
#include <cmath>

#include "core/feature/example_batch.h"

namespace freshet {
namespace {

// A variance below this counts as rounding error of values that are all the same.
constexpr double kMinVariance = 1e-60;
// Bounds on what finite float values can lead to; checked when a state is loaded.
constexpr double kMaxMean = 1e39;
constexpr double kMaxVariance = 1e78;

}  // namespace

void Standardizer::Append(std::span<const uint32_t> ids, std::span<const float> values,
                          std::vector<double>& sums, FeatureColumns& columns) const {
  const uint32_t count = index_.size();
  sums.assign(count, 0);
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint32_t number = index_.Find(ids[i]);
    const float value = ValueAt(values, i);
    if (number < count) {
      sums[number] += value;
    } else {
      AppendUnknown(ids[i], value, columns);
    }
  }
  for (uint32_t i = 0; i < count; ++i) {
    const double deviations = (sums[i] - numbers_[i].mean.load(std::memory_order_relaxed)) *
                              numbers_[i].inverse_deviation.load(std::memory_order_relaxed);
    const double bounded = std::min(std::max(deviations, -kMaxDeviations), kMaxDeviations);
    if (bounded != 0) columns.Add(index_.IdOf(i), static_cast<float>(bounded));
  }
}

void Standardizer::AppendUnknown(std::span<const uint32_t> ids, std::span<const float> values,
                                 FeatureColumns& columns) {
  for (size_t i = 0; i < ids.size(); ++i) AppendUnknown(ids[i], ValueAt(values, i), columns);
}

void Standardizer::AppendUnknown(uint32_t id, float value, FeatureColumns& columns) {
  if (value == 1.0f) {
    columns.Add(id, 1);
  } else if (value != 0) {
    columns.Cut();
  }
}

void Standardizer::Observe(std::span<const uint32_t> ids, std::span<const float> values,
                           uint64_t count, std::vector<double>& sums) {
  for (size_t i = 0; i < ids.size(); ++i) {
    const float value = ValueAt(values, i);
    if (value == 1.0f || value == 0.0f || index_.Find(ids[i]) != FeatureIndex::kNone) continue;
    if (index_.size() < FeatureIndex::kCapacity) index_.Add(ids[i]);
  }
  const uint32_t size = index_.size();
  sums.assign(size, 0);
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint32_t number = index_.Find(ids[i]);
    if (number != FeatureIndex::kNone) sums[number] += ValueAt(values, i);
  }
  const auto n = static_cast<double>(count);
  for (uint32_t i = 0; i < size; ++i) {
    Number& number = numbers_[i];
    const double old_mean = number.mean.load(std::memory_order_relaxed);
    const double mean = old_mean + (sums[i] - old_mean) / n;
    number.mean.store(mean, std::memory_order_relaxed);
    const double square = (sums[i] - old_mean) * (sums[i] - mean);
    SetVariance(number, number.variance + (square - number.variance) / n);
  }
}

void Standardizer::SetVariance(Number& number, double variance) {
  number.variance = variance;
  number.inverse_deviation.store(variance >= kMinVariance ? 1 / std::sqrt(variance) : 0,
                                 std::memory_order_relaxed);
}

void Standardizer::SaveState(StateWriter& writer) const {
  writer.WriteValue(index_.size());
  for (uint32_t i = 0; i < index_.size(); ++i) {
    writer.WriteValue(index_.IdOf(i));
    writer.WriteValue(numbers_[i].mean.load(std::memory_order_relaxed));
    writer.WriteValue(numbers_[i].variance);
  }
}

absl::Status Standardizer::LoadState(StateReader& reader) {
  const auto size = reader.ReadValue<uint32_t>();
  bool possible = size <= FeatureIndex::kCapacity;
  for (uint32_t i = 0; i < size && possible; ++i) {
    const auto id = reader.ReadValue<uint32_t>();
    const auto mean = reader.ReadValue<double>();
    const auto variance = reader.ReadValue<double>();
    // Comparisons are written so that NaN fails them.
    possible = std::abs(mean) <= kMaxMean && variance >= 0 && variance <= kMaxVariance &&
               index_.Find(id) == FeatureIndex::kNone;
    if (!possible) break;
    index_.Add(id);
    numbers_[i].mean.store(mean, std::memory_order_relaxed);
    SetVariance(numbers_[i], variance);
  }
  if (!reader.status().ok()) return reader.status();
  if (!possible) {
    return reader.Damaged("the mean or variance of a standardised feature is out of range");
  }
  return absl::OkStatus();
}

}  // namespace freshet
