// Numbers that one thread writes while others read them.

#ifndef FRESHET_CORE_MODEL_SHARED_NUMBERS_H_
#define FRESHET_CORE_MODEL_SHARED_NUMBERS_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace freshet {

// A struct that holds nothing but doubles, which readers see as a whole.
//
// There are two places. The writer fills the one that is not current and then makes it current; a
// reader copies the current one and takes the copy if that is still current, so that it never waits
// for the writer, only starts again where the writer has come further.
//
// Threads: one writer, any number of readers.
template <typename Numbers>
class SharedNumbers {
  static_assert(std::is_trivially_copyable_v<Numbers> && sizeof(Numbers) % sizeof(double) == 0);

 public:
  explicit SharedNumbers(const Numbers& numbers) { Store(numbers); }

  // For the writer.
  void Store(const Numbers& numbers) {
    const uint64_t next = version_.load(std::memory_order_relaxed) + 1;
    Place& place = places_[next % 2];
    const auto parts = std::bit_cast<Parts>(numbers);
    // A reader that sees one of these also sees that the version before is current.
    for (size_t i = 0; i < kCount; ++i) place[i].store(parts[i], std::memory_order_release);
    version_.store(next, std::memory_order_release);
  }

  Numbers Load() const {
    while (true) {
      const uint64_t version = version_.load(std::memory_order_acquire);
      const Place& place = places_[version % 2];
      Parts parts;
      for (size_t i = 0; i < kCount; ++i) parts[i] = place[i].load(std::memory_order_acquire);
      if (version_.load(std::memory_order_relaxed) == version) {
        return std::bit_cast<Numbers>(parts);
      }
    }
  }

 private:
  static constexpr size_t kCount = sizeof(Numbers) / sizeof(double);
  using Parts = std::array<double, kCount>;
  using Place = std::array<std::atomic<double>, kCount>;

  std::array<Place, 2> places_;
  std::atomic<uint64_t> version_{0};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_SHARED_NUMBERS_H_
