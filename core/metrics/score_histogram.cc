#include "core/metrics/score_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/portable_math.h"

namespace freshet {
namespace {

constexpr int kBucketCount = 2048;
constexpr double kBucketsPerUnit = 64;
constexpr double kMiddle = kBucketCount / 2.0;

// The edges between reliability bins, besides 0 and 1. Each is moved to the nearest bucket edge.
constexpr double kBinEdges[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,  0.2,  0.3,
                                0.4,   0.5,   0.6,   0.7,  0.8,  0.9,  0.95, 0.98, 0.99};

double Probability(double logit) { return 1 / (1 + Exp(-logit)); }

// The logit at the lower edge of a bucket.
double LogitOf(double bucket) { return (bucket - kMiddle) / kBucketsPerUnit; }

int BucketAt(double probability) {
  const double logit = NaturalLog(probability) - NaturalLog(1 - probability);
  return static_cast<int>(std::lround(logit * kBucketsPerUnit + kMiddle));
}

}  // namespace

void ScoreHistogram::Add(const ExampleBlock& block) {
  if (block.size > 0 && buckets_.empty()) buckets_.resize(kBucketCount);
  for (size_t i = 0; i < block.size; ++i) {
    const double position = block.scores[i] * kBucketsPerUnit + kMiddle;
    const double inside = std::min(std::max(position, 0.0), kBucketCount - 1.0);
    Bucket& bucket = buckets_[static_cast<size_t>(inside)];
    (block.labels[i] > 0 ? bucket.positive_weight : bucket.negative_weight) += block.weights[i];
  }
}

void ScoreHistogram::Add(const ScoreHistogram& other) {
  if (other.buckets_.empty()) return;
  buckets_.resize(kBucketCount);
  for (size_t i = 0; i < kBucketCount; ++i) {
    buckets_[i].negative_weight += other.buckets_[i].negative_weight;
    buckets_[i].positive_weight += other.buckets_[i].positive_weight;
  }
}

std::optional<double> ScoreHistogram::Auc() const {
  double negative_sum = 0;
  double positive_sum = 0;
  double area = 0;
  for (const Bucket& bucket : buckets_) {
    area += bucket.positive_weight * (negative_sum + bucket.negative_weight / 2);
    negative_sum += bucket.negative_weight;
    positive_sum += bucket.positive_weight;
  }
  if (negative_sum == 0 || positive_sum == 0) return std::nullopt;
  return area / (negative_sum * positive_sum);
}

std::vector<ReliabilityBin> ScoreHistogram::ReliabilityBins() const {
  std::vector<ReliabilityBin> bins;
  if (buckets_.empty()) return bins;
  std::vector<int> edges = {0};
  for (const double edge : kBinEdges) edges.push_back(BucketAt(edge));
  edges.push_back(kBucketCount);
  for (size_t bin = 0; bin + 1 < edges.size(); ++bin) {
    double positive_sum = 0;
    double prediction_sum = 0;
    double weight_sum = 0;
    for (int i = edges[bin]; i < edges[bin + 1]; ++i) {
      const Bucket& bucket = buckets_[static_cast<size_t>(i)];
      const double weight = bucket.negative_weight + bucket.positive_weight;
      weight_sum += weight;
      positive_sum += bucket.positive_weight;
      prediction_sum += weight * Probability(LogitOf(i + 0.5));
    }
    if (weight_sum == 0) continue;
    bins.push_back({.from = bin == 0 ? 0 : Probability(LogitOf(edges[bin])),
                    .to = bin + 2 == edges.size() ? 1 : Probability(LogitOf(edges[bin + 1])),
                    .weight_sum = weight_sum,
                    .prediction_mean = prediction_sum / weight_sum,
                    .label_mean = positive_sum / weight_sum});
  }
  return bins;
}

void ScoreHistogram::SaveBuckets(StateWriter& writer) const {
  if (buckets_.empty()) {
    const std::vector<Bucket> zeros(kBucketCount);
    writer.Write(std::as_bytes(std::span(zeros)));
  } else {
    writer.Write(std::as_bytes(std::span(buckets_)));
  }
}

absl::Status ScoreHistogram::LoadBuckets(StateReader& reader) {
  buckets_.resize(kBucketCount);
  reader.Read(std::as_writable_bytes(std::span(buckets_)));
  if (!reader.status().ok()) return reader.status();
  bool valid = true;
  bool used = false;
  for (const Bucket& bucket : buckets_) {
    valid &= IsSum(bucket.negative_weight) && IsSum(bucket.positive_weight);
    used |= bucket.negative_weight > 0 || bucket.positive_weight > 0;
  }
  if (!valid) {
    return reader.Damaged("the weights in the score histogram are out of range");
  }
  if (!used) buckets_.clear();
  return absl::OkStatus();
}

void ScoreHistogram::SaveState(StateWriter& writer) const {
  writer.WriteValue(static_cast<uint32_t>(buckets_.empty() ? 0 : 1));
  if (!buckets_.empty()) SaveBuckets(writer);
}

absl::Status ScoreHistogram::LoadState(StateReader& reader) {
  const auto used = reader.ReadValue<uint32_t>();
  if (!reader.status().ok()) return reader.status();
  if (used == 0) return absl::OkStatus();
  absl::Status status = LoadBuckets(reader);
  if (status.ok() && (used != 1 || buckets_.empty())) {
    return reader.Damaged("the score histogram is malformed");
  }
  return status;
}

}  // namespace freshet
