#include "core/feature/feature_expander.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/feature/ngrams.h"
#include "core/feature/value_bins.h"

namespace freshet {
namespace {

constexpr uint32_t kStateVersion = 2;
// Version 1 had no count of cut examples. It is still written if no example was cut, because
// digests are computed over that form.
constexpr uint32_t kVersionWithoutCuts = 1;
constexpr uint64_t kMaxExamples = uint64_t{1} << 62;

template <typename State>
void SaveStates(const NamespaceStates<State>& states, StateWriter& writer) {
  writer.WriteValue(static_cast<uint32_t>(states.size()));
  for (size_t i = 0; i < states.size(); ++i) {
    writer.WriteValue(states.hash(i));
    states.state(i).SaveState(writer);
  }
}

// `add(hash)` adds the state of a namespace and returns it, or null if the namespace cannot have
// one.
template <typename State, typename Add>
absl::Status LoadStates(StateReader& reader, const NamespaceStates<State>& states, const Add& add) {
  const auto count = reader.ReadValue<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    const auto hash = reader.ReadValue<uint32_t>();
    if (!reader.status().ok()) return reader.status();
    State* const state = states.Find(hash) == nullptr ? add(hash) : nullptr;
    if (state == nullptr) {
      return reader.Damaged("the saved numeric transforms do not match the model's namespaces");
    }
    if (absl::Status status = state->LoadState(reader); !status.ok()) return status;
  }
  return reader.status();
}

void AppendAsTheyCame(std::span<const uint32_t> ids, std::span<const float> values,
                      FeatureColumns& columns) {
  const size_t begin = columns.size();
  const size_t count = columns.Grow(ids.size());
  std::copy_n(ids.begin(), count, columns.ids() + begin);
  if (values.empty()) {
    std::fill_n(columns.values() + begin, count, 1.0f);
  } else {
    std::copy_n(values.begin(), count, columns.values() + begin);
  }
}

void AppendLogBins(std::span<const uint32_t> ids, std::span<const float> values,
                   FeatureColumns& columns) {
  for (size_t i = 0; i < ids.size(); ++i) {
    const float value = ValueAt(values, i);
    if (value != 0) columns.Add(BinId(ids[i], LogBin(value)), 1);
  }
}

// Whether any value makes its feature a number, that is, is neither 0 nor 1.
bool HasNumber(std::span<const float> values) {
  return std::any_of(values.begin(), values.end(),
                     [](float value) { return value != 0 && value != 1; });
}

}  // namespace

FeatureExpander::FeatureExpander(FeatureOptions options)
    : options_(std::move(options)), interactions_(options_.interactions) {
  for (const NumericOptions& numeric : options_.numerics) {
    numeric_hashes_.push_back(HashNamespace(numeric.name_space));
    if (numeric.name_space == kEveryNamespace) other_numeric_ = &numeric;
    standardizes_ |= numeric.kind == NumericKind::kStandardize;
    observes_ |=
        numeric.kind == NumericKind::kStandardize || numeric.kind == NumericKind::kQuantileBins;
  }
  for (const NgramOptions& ngrams : options_.ngrams) {
    ngram_hashes_.push_back(HashNamespace(ngrams.name_space));
    if (ngrams.name_space == kEveryNamespace) other_ngrams_ = &ngrams;
  }
  if (options_.letters) letters_.emplace(*options_.letters);
}

const NumericOptions* FeatureExpander::FindNumeric(uint32_t namespace_hash) const {
  for (size_t i = 0; i < numeric_hashes_.size(); ++i) {
    const bool named = &options_.numerics[i] != other_numeric_;
    if (named && numeric_hashes_[i] == namespace_hash) return &options_.numerics[i];
  }
  return other_numeric_;
}

const NgramOptions* FeatureExpander::FindNgrams(uint32_t namespace_hash) const {
  for (size_t i = 0; i < ngram_hashes_.size(); ++i) {
    const bool named = &options_.ngrams[i] != other_ngrams_;
    if (named && ngram_hashes_[i] == namespace_hash) return &options_.ngrams[i];
  }
  return other_ngrams_;
}

void FeatureExpander::AddEntry(uint32_t namespace_hash, size_t batch_index,
                               Standardizer* standardizer, Plan& plan) const {
  plan.entries_.push_back({.namespace_hash = namespace_hash,
                           .batch_index = batch_index,
                           .numeric = FindNumeric(namespace_hash),
                           .ngrams = FindNgrams(namespace_hash),
                           .standardizer = standardizer,
                           .quantile_bins = quantile_bins_.Find(namespace_hash)});
}

void FeatureExpander::MakePlan(const ExampleBatch& batch, Plan& plan) const {
  const std::span<const uint32_t> hashes = batch.namespace_hashes;
  // Read before the states are looked up, so that states added meanwhile cause a refresh.
  plan.standardizer_count_ = standardizers_.size();
  plan.quantile_bins_count_ = quantile_bins_.size();
  plan.entries_.clear();
  std::vector<bool> is_planned(hashes.size());
  for (size_t i = 0; i < plan.standardizer_count_; ++i) {
    const uint32_t hash = standardizers_.hash(i);
    const auto found = std::find(hashes.begin(), hashes.end(), hash);
    const auto index = static_cast<size_t>(found - hashes.begin());
    if (found != hashes.end()) is_planned[index] = true;
    AddEntry(hash, found == hashes.end() ? Plan::kNotInBatch : index, &standardizers_.state(i),
             plan);
  }
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (!is_planned[i]) AddEntry(hashes[i], i, nullptr, plan);
  }
  plan.segments_.resize(plan.entries_.size());
  plan.by_hash_.resize(plan.entries_.size());
  std::iota(plan.by_hash_.begin(), plan.by_hash_.end(), size_t{0});
  std::sort(plan.by_hash_.begin(), plan.by_hash_.end(), [&](size_t a, size_t b) {
    return plan.entries_[a].namespace_hash < plan.entries_[b].namespace_hash;
  });
}

void FeatureExpander::RefreshPlan(const ExampleBatch& batch, Plan& plan) const {
  if (plan.standardizer_count_ != standardizers_.size() ||
      plan.quantile_bins_count_ != quantile_bins_.size()) {
    MakePlan(batch, plan);
  }
}

std::span<const uint32_t> FeatureExpander::SizesOf(const ExampleBatch& batch, size_t row) {
  const size_t count = batch.namespace_hashes.size();
  return batch.segment_sizes.size() == count ? batch.segment_sizes
                                             : batch.segment_sizes.subspan(row * count, count);
}

void FeatureExpander::FindOffsets(const ExampleBatch& batch, size_t row, Plan& plan) {
  const std::span<const uint32_t> sizes = SizesOf(batch, row);
  plan.offsets_.resize(sizes.size());
  size_t offset = batch.RowBegin(row);
  for (size_t i = 0; i < sizes.size(); ++i) {
    plan.offsets_[i] = offset;
    offset += sizes[i];
  }
}

FeatureExpander::RowSegment FeatureExpander::SegmentOf(const ExampleBatch& batch, size_t row,
                                                       const Plan::Entry& entry, const Plan& plan) {
  if (entry.batch_index == Plan::kNotInBatch) return {};
  const size_t begin = plan.offsets_[entry.batch_index];
  const size_t size = SizesOf(batch, row)[entry.batch_index];
  RowSegment segment;
  segment.ids = batch.feature_ids.subspan(begin, size);
  if (!batch.values.empty()) segment.values = batch.values.subspan(begin, size);
  return segment;
}

void FeatureExpander::AppendSegment(const Plan::Entry& entry, const RowSegment& segment, Plan& plan,
                                    FeatureColumns& columns) {
  const auto& [ids, values] = segment;
  switch (entry.numeric == nullptr ? NumericKind::kRaw : entry.numeric->kind) {
    case NumericKind::kRaw:
      AppendAsTheyCame(ids, values, columns);
      break;
    case NumericKind::kLogBins:
      AppendLogBins(ids, values, columns);
      break;
    case NumericKind::kQuantileBins:
      if (entry.quantile_bins == nullptr) {
        QuantileBins::AppendUnknown(ids, values, columns);
      } else {
        entry.quantile_bins->Append(ids, values, columns);
      }
      break;
    case NumericKind::kStandardize:
      if (entry.standardizer == nullptr) {
        Standardizer::AppendUnknown(ids, values, columns);
      } else {
        entry.standardizer->Append(ids, values, plan.sums_, columns);
      }
      break;
  }
}

std::span<const FeatureSegment> FeatureExpander::SortedSegments(Plan& plan) {
  plan.sorted_segments_.clear();
  for (const size_t i : plan.by_hash_) {
    if (plan.segments_[i].size() > 0) plan.sorted_segments_.push_back(plan.segments_[i]);
  }
  return plan.sorted_segments_;
}

void FeatureExpander::AppendRow(const ExampleBatch& batch, size_t row, Plan& plan,
                                FeatureColumns& columns) const {
  RefreshPlan(batch, plan);
  FindOffsets(batch, row, plan);
  if (letters_) {
    letters_->AppendRow(batch, plan.offsets_, SizesOf(batch, row), plan.letters_, columns);
    return;
  }
  for (size_t i = 0; i < plan.entries_.size(); ++i) {
    const Plan::Entry& entry = plan.entries_[i];
    const size_t begin = columns.size();
    AppendSegment(entry, SegmentOf(batch, row, entry, plan), plan, columns);
    if (entry.ngrams != nullptr) {
      AppendNgrams(entry.ngrams->length, entry.ngrams->skips, begin, columns.size(), columns);
    }
    plan.segments_[i] = {entry.namespace_hash, begin, columns.size()};
  }
  if (!interactions_.empty()) interactions_.Append(SortedSegments(plan), columns);
}

void FeatureExpander::Observe(const ExampleBatch& batch, size_t row, Plan& plan) {
  if (!observes_) return;
  RefreshPlan(batch, plan);
  FindOffsets(batch, row, plan);
  ++observed_count_;
  for (Plan::Entry& entry : plan.entries_) {
    if (entry.numeric == nullptr) continue;
    const auto& [ids, values] = SegmentOf(batch, row, entry, plan);
    if (entry.numeric->kind == NumericKind::kStandardize) {
      if (entry.standardizer == nullptr && HasNumber(values)) {
        entry.standardizer = standardizers_.Add(entry.namespace_hash);
      }
      if (entry.standardizer != nullptr) {
        entry.standardizer->Observe(ids, values, observed_count_, plan.sums_);
      }
    } else if (entry.numeric->kind == NumericKind::kQuantileBins) {
      if (entry.quantile_bins == nullptr && HasNumber(values)) {
        entry.quantile_bins = quantile_bins_.Add(entry.namespace_hash, entry.numeric->bins);
      }
      if (entry.quantile_bins != nullptr) entry.quantile_bins->Observe(ids, values);
    }
  }
}

uint64_t FeatureExpander::CountRow(const ExampleBatch& batch, size_t row, uint64_t enough,
                                   Plan& plan) const {
  RefreshPlan(batch, plan);
  FindOffsets(batch, row, plan);
  if (letters_) return letters_->CountRow(batch, SizesOf(batch, row), enough, plan.letters_);
  uint64_t total = 0;
  for (size_t i = 0; i < plan.entries_.size(); ++i) {
    const Plan::Entry& entry = plan.entries_[i];
    uint64_t size = SegmentOf(batch, row, entry, plan).ids.size();
    if (entry.ngrams != nullptr) {
      size += CountNgrams(entry.ngrams->length, entry.ngrams->skips, size);
    }
    plan.segments_[i] = {entry.namespace_hash, 0, size};
    total += size;
  }
  if (total > enough || interactions_.empty()) return total;
  return total + interactions_.Count(SortedSegments(plan), enough - total);
}

void FeatureExpander::SaveState(StateWriter& writer) const {
  writer.WriteValue(cut_count() == 0 ? kVersionWithoutCuts : kStateVersion);
  if (cut_count() > 0) writer.WriteValue(cut_count());
  writer.WriteValue(observed_count_);
  SaveStates(standardizers_, writer);
  SaveStates(quantile_bins_, writer);
}

absl::Status FeatureExpander::LoadState(StateReader& reader) {
  const auto version = reader.ReadValue<uint32_t>();
  if (!reader.status().ok()) return reader.status();
  if (version < kVersionWithoutCuts || version > kStateVersion) {
    return absl::DataLossError(StrCat(
        "the saved feature transforms have version ", version, "; this program reads up to ",
        kStateVersion, "; start the version that wrote the file, or restore an older snapshot"));
  }
  if (version > kVersionWithoutCuts) {
    const auto cut_count = reader.ReadValue<uint64_t>();
    if (cut_count == 0 || cut_count > kMaxExamples) {
      return reader.Damaged("the count of cut examples is out of range");
    }
    cut_count_.store(cut_count, std::memory_order_relaxed);
  }
  observed_count_ = reader.ReadValue<uint64_t>();
  if (observed_count_ > kMaxExamples) {
    return reader.Damaged("the count of examples seen by the feature transforms is out of range");
  }
  const auto kind_of = [this](uint32_t hash) {
    const NumericOptions* const numeric = FindNumeric(hash);
    return numeric == nullptr ? NumericKind::kRaw : numeric->kind;
  };
  absl::Status status = LoadStates(reader, standardizers_, [&](uint32_t hash) {
    return kind_of(hash) == NumericKind::kStandardize ? standardizers_.Add(hash) : nullptr;
  });
  if (!status.ok()) return status;
  return LoadStates(reader, quantile_bins_, [&](uint32_t hash) {
    return kind_of(hash) == NumericKind::kQuantileBins
               ? quantile_bins_.Add(hash, FindNumeric(hash)->bins)
               : nullptr;
  });
}

}  // namespace freshet
