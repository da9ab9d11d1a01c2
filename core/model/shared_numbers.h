// A struct of numbers that one thread writes while others read it, without locks.

#ifndef FRESHET_CORE_MODEL_SHARED_NUMBERS_H_
#define FRESHET_CORE_MODEL_SHARED_NUMBERS_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace freshet {

// Publishes a struct that holds only doubles, so that readers see it as a whole.
//
// There are two places. The writer fills the one that is not current and then makes it current. A
// reader copies the current one and keeps the copy if the same version is still current, otherwise
// it starts again. So a reader never blocks on the writer; it only retries if the writer has stored
// something newer.
//
// Threads: one writer, any number of readers.
template <typename Numbers>
class SharedNumbers {
  static_assert(std::is_trivially_copyable_v<Numbers> && sizeof(Numbers) % sizeof(double) == 0);

 public:
  explicit SharedNumbers(const Numbers& numbers) { Store(numbers); }

  // Only for the writer.
  void Store(const Numbers& numbers) {
    const uint64_t next = version_.load(std::memory_order_relaxed) + 1;
    Place& place = places_[next % 2];
    const auto parts = std::bit_cast<Parts>(numbers);
    // Release, so that a reader that sees one of these numbers also sees that the version before is
    // current, and therefore discards its copy if it was reading an older one.
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
