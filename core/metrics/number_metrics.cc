#include "core/metrics/number_metrics.h"

#include <cmath>
#include <cstddef>

namespace freshet {

void NumberMetrics::Add(const ExampleBlock& block, const ExampleBlock::Column& predicted) {
  Sums sums = sums_;
  if (sums.weight == 0 && block.size > 0) sums.first_label = block.labels[0];
  for (size_t i = 0; i < block.size; ++i) {
    const double weight = block.weights[i];
    const double error = predicted[i] - block.labels[i];
    const double deviation = block.labels[i] - sums.first_label;
    sums.weight += weight;
    sums.squared_error += weight * (error * error);
    sums.absolute_error += weight * std::abs(error);
    sums.deviation += weight * deviation;
    sums.squared_deviation += weight * (deviation * deviation);
  }
  sums_ = sums;
}

std::optional<double> NumberMetrics::MeanSquaredError() const {
  if (sums_.weight == 0) return std::nullopt;
  return sums_.squared_error / sums_.weight;
}

std::optional<double> NumberMetrics::MeanAbsoluteError() const {
  if (sums_.weight == 0) return std::nullopt;
  return sums_.absolute_error / sums_.weight;
}

std::optional<double> NumberMetrics::RSquared() const {
  if (sums_.weight == 0) return std::nullopt;
  const double mean = sums_.deviation / sums_.weight;
  const double square = sums_.squared_deviation / sums_.weight;
  const double variance = square - mean * mean;
  if (!(variance > 1e-12 * square)) return std::nullopt;
  return 1 - sums_.squared_error / sums_.weight / variance;
}

absl::Status NumberMetrics::LoadState(StateReader& reader) {
  sums_ = reader.ReadValue<Sums>();
  if (!reader.status().ok()) return reader.status();
  bool valid = std::isfinite(sums_.first_label) && std::isfinite(sums_.deviation);
  for (const double sum :
       {sums_.weight, sums_.squared_error, sums_.absolute_error, sums_.squared_deviation}) {
    valid &= IsSum(sum);
  }
  if (!valid) {
    return reader.Damaged("the sums of prediction errors are out of range");
  }
  return absl::OkStatus();
}

}  // namespace freshet
