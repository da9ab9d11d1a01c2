// Numbers that one thread writes while others read them.

#ifndef FRESHET_CORE_MODEL_SHARED_NUMBERS_H_
#define FRESHET_CORE_MODEL_SHARED_NUMBERS_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <type_traits>

namespace freshet {

// A struct that holds nothing but doubles. A reader may see some of them newer than others; each by
// itself is whole. Threads: one writer, any number of readers.
template <typename Numbers>
class SharedNumbers {
  static_assert(std::is_trivially_copyable_v<Numbers> && sizeof(Numbers) % sizeof(double) == 0);

 public:
  explicit SharedNumbers(const Numbers& numbers) { Store(numbers); }

  // For the writer.
  void Store(const Numbers& numbers) {
    const auto parts = std::bit_cast<Parts>(numbers);
    for (size_t i = 0; i < parts.size(); ++i) {
      parts_[i].store(parts[i], std::memory_order_relaxed);
    }
  }

  Numbers Load() const {
    Parts parts;
    for (size_t i = 0; i < parts.size(); ++i) parts[i] = parts_[i].load(std::memory_order_relaxed);
    return std::bit_cast<Numbers>(parts);
  }

 private:
  static constexpr size_t kCount = sizeof(Numbers) / sizeof(double);
  using Parts = std::array<double, kCount>;

  std::array<std::atomic<double>, kCount> parts_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_SHARED_NUMBERS_H_
