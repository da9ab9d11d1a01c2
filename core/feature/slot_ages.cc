#include "core/feature/slot_ages.h"

#include <cstddef>
#include <cstring>
#include <span>

#include "core/base/sparse_bytes.h"

namespace freshet {

absl::StatusOr<SlotAges> SlotAges::Create(int bits, uint64_t lifetime_examples) {
  absl::StatusOr<ZeroedMemory> memory = ZeroedMemory::Allocate(size_t{1} << bits);
  if (!memory.ok()) return memory.status();
  const uint64_t period =
      lifetime_examples / kLifetimePeriods + (lifetime_examples % kLifetimePeriods == 0 ? 0 : 1);
  return SlotAges(static_cast<uint32_t>((uint64_t{1} << bits) - 1), period, *std::move(memory));
}

bool SlotAges::EndExample() {
  if (++example_count_ < period_examples_) return false;
  example_count_ = 0;
  period_ = period_ == kPeriodNumbers ? 1 : period_ + 1;
  return true;
}

void SlotAges::TakeExpired(std::vector<uint32_t>& indices) {
  indices.clear();
  auto* const periods = static_cast<uint8_t*>(periods_.data());
  size_t used_words = 0;
  for (size_t begin = 0; begin < periods_.size_bytes(); begin += sizeof(uint64_t)) {
    uint64_t eight;
    std::memcpy(&eight, periods + begin, sizeof(eight));
    if (eight == 0) continue;
    ++used_words;
    for (size_t i = begin; i < begin + sizeof(eight); ++i) {
      if (periods[i] == 0) continue;
      const int age = (period_ - periods[i] + kPeriodNumbers) % kPeriodNumbers;
      if (age <= static_cast<int>(kLifetimePeriods)) continue;
      periods[i] = 0;
      indices.push_back(static_cast<uint32_t>(i));
    }
  }
  constexpr size_t kDenseShare =
      64;  // If this share of all words is used, so is nearly every page.
  if (used_words * sizeof(uint64_t) * kDenseShare > periods_.size_bytes()) {
    PreferHugePages(periods_.data(), periods_.size_bytes());
  }
}

void SlotAges::SaveState(StateWriter& writer) const {
  writer.WriteValue(period_);
  writer.WriteValue(example_count_);
  SaveSparseBytes({static_cast<const std::byte*>(periods_.data()), periods_.size_bytes()}, writer);
}

absl::Status SlotAges::LoadState(StateReader& reader) {
  period_ = reader.ReadValue<uint8_t>();
  example_count_ = reader.ReadValue<uint64_t>();
  if (period_ == 0 || example_count_ >= period_examples_) {
    return reader.Damaged("the period counter for expiring features is out of range");
  }
  return LoadSparseBytes(reader, {static_cast<std::byte*>(periods_.data()), periods_.size_bytes()});
}

}  // namespace freshet
