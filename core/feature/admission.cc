#include "core/feature/admission.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "core/base/sparse_bytes.h"

namespace freshet {
namespace {

constexpr uint32_t kFullCount = 255;

uint8_t Load(const uint8_t* counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }

void Store(uint8_t& counter, uint32_t count) {
  __atomic_store_n(&counter, static_cast<uint8_t>(count), __ATOMIC_RELAXED);
}

// The finaliser of MurmurHash3.
uint32_t Mix(uint32_t bits) {
  bits ^= bits >> 16;
  bits *= 0x85ebca6b;
  bits ^= bits >> 13;
  bits *= 0xc2b2ae35;
  return bits ^ (bits >> 16);
}

}  // namespace

absl::StatusOr<Admission> Admission::Create(const Options& options) {
  const int row_bits = std::min(options.bits, kMaxRowBits);
  absl::StatusOr<ZeroedMemory> memory = ZeroedMemory::Allocate(size_t{2} << row_bits);
  if (!memory.ok()) return memory.status();
  return Admission(options, row_bits, *std::move(memory));
}

Admission::Admission(const Options& options, int row_bits, ZeroedMemory memory)
    : options_(options), row_bits_(row_bits), counters_(std::move(memory)) {}

uint8_t* Admission::CounterOf(uint32_t id, int row) const {
  const uint32_t hash = Mix(row == 0 ? id : id ^ 0x9e3779b9U);
  const size_t place =
      (size_t{static_cast<uint32_t>(row)} << row_bits_) | (hash >> (32 - row_bits_));
  return static_cast<uint8_t*>(counters_.data()) + place;
}

bool Admission::Count(uint32_t id) {
  uint8_t* const first = CounterOf(id, 0);
  uint8_t* const second = CounterOf(id, 1);
  const uint32_t old_count = std::min(Load(first), Load(second));
  uint32_t count = std::min(old_count + 1, kFullCount);
  const bool admitted = count >= options_.threshold;
  if (admitted && options_.lifetime_examples > 0) count = 2 * options_.threshold;
  if (!admitted) ++sighting_count_;
  if (Load(first) < count) Store(*first, count);
  if (Load(second) < count) Store(*second, count);
  return admitted;
}

bool Admission::IsAdmitted(uint32_t id) const {
  return std::min(Load(CounterOf(id, 0)), Load(CounterOf(id, 1))) >= options_.threshold;
}

void Admission::EndExample() {
  ++example_count_;
  if (options_.lifetime_examples > 0) {
    if (example_count_ >= options_.lifetime_examples) Halve(kFullCount + 1);
  } else if (sighting_count_ >= counters_.size_bytes() / 8) {
    PreferHugePages(counters_.data(), counters_.size_bytes());  // Hardly a page is still untouched.
    Halve(options_.threshold);
  }
}

void Admission::Halve(uint32_t limit) {
  auto* const counters = static_cast<uint8_t*>(counters_.data());
  for (size_t i = 0; i < counters_.size_bytes(); ++i) {
    const uint32_t count = Load(counters + i);
    if (count != 0 && count < limit) Store(counters[i], count / 2);
  }
  sighting_count_ = 0;
  example_count_ = 0;
}

void Admission::SaveState(StateWriter& writer) const {
  writer.WriteValue(sighting_count_);
  writer.WriteValue(example_count_);
  SaveSparseBytes({static_cast<const std::byte*>(counters_.data()), counters_.size_bytes()},
                  writer);
}

absl::Status Admission::LoadState(StateReader& reader) {
  sighting_count_ = reader.ReadValue<uint64_t>();
  example_count_ = reader.ReadValue<uint64_t>();
  return LoadSparseBytes(reader,
                         {static_cast<std::byte*>(counters_.data()), counters_.size_bytes()});
}

}  // namespace freshet
