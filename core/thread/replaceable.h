// An object that many threads read in place, and that is replaced now and then.

#ifndef FRESHET_CORE_THREAD_REPLACEABLE_H_
#define FRESHET_CORE_THREAD_REPLACEABLE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

namespace freshet {

// There are two places for the object, one of which is current. A reader announces itself at the
// current place, checks that this is still the current one, and then uses the object there. Who
// replaces the object fills the other place, makes it the current one, and empties the old place
// once no reader is announced there. The counts of announced readers are spread over several cache
// lines, so that readers on different processors do not contend for one.
//
//   Replaceable<Table> table;
//   table.Read()->Find(key);       // In any thread.
//   table.Replace(Table::Of(...));  // In one thread at a time.
//
// The invariant: an object is read only by announced readers, and when Replace() returns, all of
// them read the new object. So while Replace() has not returned, both objects must say the same;
// afterwards the old one is gone and nobody can tell.
//
// Threads: any number may call Read() at any time. It takes no lock and waits for nobody; it only
// tries again if a Replace() came in between. Calls of Replace() must not overlap. Replace() waits
// for the announced readers, so what they do should be brief; a reader must not call it.
template <typename T>
class Replaceable {
  struct Line;

 public:
  // A reader of the object, which stays valid as long as this does.
  class Reading {
   public:
    Reading(Reading&& other) noexcept
        : value_(other.value_), readers_(std::exchange(other.readers_, nullptr)) {}
    Reading& operator=(Reading&&) = delete;
    ~Reading() {
      if (readers_ != nullptr) readers_->fetch_sub(1);
    }

    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_; }

   private:
    friend Replaceable;

    Reading(const T& value, std::atomic<uint32_t>& readers) : value_(&value), readers_(&readers) {}

    const T* value_;
    std::atomic<uint32_t>* readers_;
  };

  explicit Replaceable(T value) : places_{std::move(value), T()} {}

  Replaceable(const Replaceable&) = delete;
  Replaceable& operator=(const Replaceable&) = delete;

  Reading Read() const {
    Line& line = lines_[ThreadNumber() % kLines];
    while (true) {
      const uint32_t place = current_.load();
      line.readers[place].fetch_add(1);
      if (current_.load() == place) return Reading(places_[place], line.readers[place]);
      line.readers[place].fetch_sub(1);
    }
  }

  // Every Read() from now on gives `value`. Returns the object from before, which nobody reads any
  // longer.
  T Replace(T value) {
    const uint32_t place = current_.load();
    const uint32_t next = 1 - place;
    AwaitNoReaders(next);  // Some may not have noticed yet that this place is not current.
    places_[next] = std::move(value);
    current_.store(next);
    AwaitNoReaders(place);
    return std::exchange(places_[place], T());
  }

 private:
  static constexpr size_t kLines = 8;
  static constexpr size_t kLineBytes = 64;

  // The number of readers announced at each place, of those threads that use this line. All
  // accesses to these counts and to current_ are sequentially consistent: either a reader sees that
  // its place is not current, or Replace() sees the reader.
  struct alignas(kLineBytes) Line {
    std::array<std::atomic<uint32_t>, 2> readers{};
  };

  static size_t ThreadNumber() {
    static std::atomic<size_t> next{0};
    thread_local const size_t kNumber = next.fetch_add(1, std::memory_order_relaxed);
    return kNumber;
  }

  void AwaitNoReaders(uint32_t place) const {
    for (const Line& line : lines_) {
      while (line.readers[place].load() != 0) std::this_thread::yield();
    }
  }

  mutable std::array<Line, kLines> lines_;
  std::atomic<uint32_t> current_{0};
  // The current place is only read. The other one belongs to Replace() once no reader is announced
  // there.
  std::array<T, 2> places_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_THREAD_REPLACEABLE_H_
