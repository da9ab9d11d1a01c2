// A small table of states, one per namespace.

#ifndef FRESHET_CORE_FEATURE_NAMESPACE_STATES_H_
#define FRESHET_CORE_FEATURE_NAMESPACE_STATES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace freshet {

// Holds a State for each of up to kCapacity namespaces, numbered 0, 1, ... in the order in which
// they were added. Owns the states.
//
// Threads: one writer adds while any number of readers look up. This class does not synchronise
// access to the states themselves.
template <typename State>
class NamespaceStates {
 public:
  static constexpr size_t kCapacity = 64;

  // Null if the namespace was not added.
  State* Find(uint32_t hash) const {
    const size_t count = size();
    for (size_t i = 0; i < count; ++i) {
      if (entries_[i].hash == hash) return entries_[i].state.get();
    }
    return nullptr;
  }

  // Only for the writer. Null if kCapacity is reached. REQUIRES: the namespace is new.
  template <typename... Args>
  State* Add(uint32_t hash, Args&&... args) {
    const size_t count = size();
    if (count == kCapacity) return nullptr;
    entries_[count].hash = hash;
    entries_[count].state = std::make_unique<State>(std::forward<Args>(args)...);
    size_.store(count + 1, std::memory_order_release);
    return entries_[count].state.get();
  }

  size_t size() const { return size_.load(std::memory_order_acquire); }
  // REQUIRES: i < size().
  uint32_t hash(size_t i) const { return entries_[i].hash; }
  State& state(size_t i) const { return *entries_[i].state; }

 private:
  struct Entry {
    uint32_t hash = 0;
    std::unique_ptr<State> state;
  };

  std::array<Entry, kCapacity> entries_;  // An entry is constant once size_ counts it.
  std::atomic<size_t> size_{0};
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_NAMESPACE_STATES_H_
