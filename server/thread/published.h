// A shared object that many threads read, and that is replaced now and then.

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

// What std::atomic<std::shared_ptr<T>> is for. That one takes a spin lock for every load in the
// standard library that we use, so that a reader which loses the processor there holds up all
// others.
//
//   Published<const TokenTable> tokens;
//   tokens.Store(std::make_shared<const TokenTable>(...));
//   const std::shared_ptr<const TokenTable> now = tokens.Load();
//
// There are two places, of which one is current. A reader announces itself at the current place,
// looks whether that is still the current one, and copies the pointer that stands there. A writer
// fills the other place, makes it the current one, and empties the old place once nobody is
// announced there. Announcements are counted in several cache lines, so that readers on different
// processors do not wait for each other's.
//
// Threads: any number may call Load() and Store() at the same time. Load() takes no lock and waits
// for nobody; it starts again only where a Store() came in between. Store() waits for other calls
// of Store(), and for readers that are announced, which they are for a few instructions.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<T> value = nullptr) : places_{std::move(value), nullptr} {}

  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // What was stored last. Keeps it alive as long as the caller holds it.
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

  // Whoever loads from now on gets `value`. What stood here before is released, by this thread
  // unless somebody still holds it.
  void Store(std::shared_ptr<T> value) {
    std::shared_ptr<T> old;  // Released when the lock is.
    absl::MutexLock lock(&store_mu_);
    const uint32_t place = current_.load();
    const uint32_t next = 1 - place;
    AwaitNoReaders(next);  // Some may not have noticed yet that the place is not current any more.
    places_[next] = std::move(value);
    current_.store(next);
    AwaitNoReaders(place);
    old = std::move(places_[place]);
    places_[place] = nullptr;
  }

 private:
  static constexpr size_t kLines = 8;
  static constexpr size_t kLineBytes = 64;

  // Readers announced at each place, by some of the threads. All accesses to these and to current_
  // are sequentially consistent: either a reader sees that its place is not current, or the writer
  // sees the reader.
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
  // The current one is only read; the other belongs to who holds store_mu_ once it has no readers.
  std::array<std::shared_ptr<T>, 2> places_;
  absl::Mutex store_mu_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_PUBLISHED_H_
