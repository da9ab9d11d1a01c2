// A pointer to a shared object that many threads read and that is replaced now and then.

#ifndef FRESHET_SERVER_THREAD_PUBLISHED_H_
#define FRESHET_SERVER_THREAD_PUBLISHED_H_

#include <memory>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "core/thread/replaceable.h"

namespace freshet {

// Does what std::atomic<std::shared_ptr<T>> is meant for. In the standard library that we use, that
// one takes a spin lock for every load, so a reader that is preempted there holds up all others.
//
//   Published<const TokenTable> tokens;
//   tokens.Store(std::make_shared<const TokenTable>(...));
//   const std::shared_ptr<const TokenTable> now = tokens.Load();
//
// Threads: any number may call Load() and Store() at the same time. Load() takes no lock and waits
// for nobody; it only retries if a Store() came in between. Store() waits for other calls of
// Store(), and for announced readers, which stay announced for a few instructions.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<T> value = nullptr) : value_(std::move(value)) {}

  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // The pointer that was stored last, which keeps the object alive as long as the caller has it.
  std::shared_ptr<T> Load() const { return *value_.Read(); }

  // Every Load() from now on returns `value`. Releases the pointer that was stored before; this
  // thread destroys the object unless others still hold it.
  void Store(std::shared_ptr<T> value) {
    std::shared_ptr<T> old;  // Declared before the lock, so released after it.
    absl::MutexLock lock(&store_mu_);
    old = value_.Replace(std::move(value));
  }

 private:
  // Readers hold it only while they copy the pointer.
  Replaceable<std::shared_ptr<T>> value_;
  absl::Mutex store_mu_;  // Held by Store().
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_PUBLISHED_H_
