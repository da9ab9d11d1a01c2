// A pointer to a shared object that many threads read and that is replaced now and then.

#ifndef FRESHET_SERVER_THREAD_PUBLISHED_H_
#define FRESHET_SERVER_THREAD_PUBLISHED_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace freshet {

// Does what std::atomic<std::shared_ptr<T>> is meant for. In the standard library that we use, that
// one takes a spin lock for every load, so a reader that is preempted there holds up all others.
//
//   Published<const TokenTable> tokens;
//   tokens.Store(std::make_shared<const TokenTable>(...));
//   const std::shared_ptr<const TokenTable> now = tokens.Load();
//
// There are two places for the pointer, one of which is current. A reader announces itself at the
// current place, checks that this is still the current one, and copies the pointer from there. A
// writer fills the other place, makes it the current one, and empties the old place once no reader
// is announced there. The counts of announced readers are spread over several cache lines, so that
// readers on different processors do not contend for one.
//
// Threads: any number may call Load() and Store() at the same time. Load() takes no lock and waits
// for nobody; it only retries if a Store() came in between. Store() waits for other calls of
// Store(), and for announced readers, which stay announced for a few instructions.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<T> value = nullptr) : places_{std::move(value), nullptr} {}

  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // The pointer that was stored last, which keeps the object alive as long as the caller has it.
  std::shared_ptr<T> Load() const {
    Line& line = lines_[ThreadNumber() % kLines];
    while (true) {
      const uint32_t place = current_.load();
      line.readers[place].fetch_add(1);
      if (current_.load() == place) {
        std::shared_ptr<T> value = places_[place];
        line.readers[place].fetch_sub(1);
        return value;
      }
      line.readers[place].fetch_sub(1);
    }
  }

  // Every Load() from now on returns `value`. Releases the pointer that was stored before; this
  // thread destroys the object unless others still hold it.
  void Store(std::shared_ptr<T> value) {
    std::shared_ptr<T> old;  // Declared before the lock, so released after it.
    absl::MutexLock lock(&store_mu_);
    const uint32_t place = current_.load();
    const uint32_t next = 1 - place;
    AwaitNoReaders(next);  // Some may not have noticed yet that this place is not current.
    places_[next] = std::move(value);
    current_.store(next);
    AwaitNoReaders(place);
    old = std::move(places_[place]);
    places_[place] = nullptr;
  }

 private:
  static constexpr size_t kLines = 8;
  static constexpr size_t kLineBytes = 64;

  // The number of readers announced at each place, of those threads that use this line. All
  // accesses to these counts and to current_ are sequentially consistent: either a reader sees that
  // its place is not current, or the writer sees the reader.
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
  // The current place is only read. The other one belongs to the holder of store_mu_ once no reader
  // is announced there.
  std::array<std::shared_ptr<T>, 2> places_;
  absl::Mutex store_mu_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_PUBLISHED_H_
