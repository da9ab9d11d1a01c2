// Pushes an endless deterministic stream to a model until told to stop.

#ifndef FRESHET_TESTS_E2E_PRODUCER_H_
#define FRESHET_TESTS_E2E_PRODUCER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "client/client.h"
#include "client/pusher.h"

namespace freshet {

// Pushes on a thread of its own. Not thread-safe.
class Producer {
 public:
  // The stream is that of RandomExamples(seed), in small batches of random sizes.
  Producer(const Client& client, std::string model, uint32_t seed);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Ends the stream and waits until everything pushed is acknowledged.
  absl::Status Stop();

  PusherStats stats() const { return pusher_->stats(); }
  // Why the stream ended; OK while it continues.
  absl::Status status() const { return pusher_->status(); }
  const std::string& model() const { return model_; }
  uint32_t seed() const { return seed_; }

 private:
  void Run();

  const std::string model_;
  const uint32_t seed_;
  const std::unique_ptr<Pusher> pusher_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_E2E_PRODUCER_H_
