// What tests of stopping a server share: models, loads on them, and the stop itself, which must
// come in time.

#ifndef FRESHET_TESTS_E2E_STOP_FIXTURE_H_
#define FRESHET_TESTS_E2E_STOP_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "client/pusher.h"
#include "core/feature/example_batch.h"
#include "tests/support/server_fixture.h"

namespace freshet {

// Pushes batches to a model until the server accepts no more.
class Load {
 public:
  Load(const Client& client, std::string model, std::function<void(ExampleBatchBuilder&)> fill,
       size_t max_unacknowledged_examples = PusherOptions().max_unacknowledged_examples);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  const std::string& model() const { return model_; }
  PusherStats stats() const { return pusher_->stats(); }
  // Waits for the load to end, and returns how many examples were acknowledged.
  uint64_t Acknowledged();

 private:
  const std::string model_;
  const std::unique_ptr<Pusher> pusher_;
  std::thread thread_;
};

class StopTest : public ServerFixture {
 protected:
  StopTest();

  static constexpr char kShortGrace[] = "drain_grace_s: 1";
  // The drain grace, plus what shutting down may take after it.
  static constexpr std::chrono::seconds kInTime{1 + 5};

  // How often each test of random moments stops a server; set by FRESHET_STOPS. Take more by hand.
  static int StopCount();

  // Creates a model. A slow one takes about a tenth of a second to learn a batch of FillSlowly().
  void Create(const std::string& id, v1::Durability durability, bool slow = false) const;
  std::unique_ptr<Load> StartLoad(const std::string& model);
  std::unique_ptr<Load> StartSlowLoad(const std::string& model) const;
  static void FillSlowly(ExampleBatchBuilder& batch);

  // Waits until at least `count` examples of a load are acknowledged.
  static void AwaitAcknowledged(const Load& load, uint64_t count);
  void PauseAtRandom(uint32_t max_ms);

  // Sends SIGTERM. Expects the server to exit by itself, and in time.
  ExitState StopInTime() const;

  // Starts the server again, with the short grace, and expects all that was acknowledged.
  void ExpectNothingIsLost(const std::vector<std::unique_ptr<Load>>& loads);

  std::mt19937 random_{std::random_device()()};
};

}  // namespace freshet

#endif  // FRESHET_TESTS_E2E_STOP_FIXTURE_H_
