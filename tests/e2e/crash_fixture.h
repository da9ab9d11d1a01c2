// What tests that kill a server under load share.
//
// FRESHET_CRASH_KILLS sets the number of kills in each test (default 8). FRESHET_CRASH_SEED decides
// their moments, the streams and the sizes; by default it is random, and is printed.
// tests/crash/run runs longer tests by hand.

#ifndef FRESHET_TESTS_E2E_CRASH_FIXTURE_H_
#define FRESHET_TESTS_E2E_CRASH_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "client/client.h"
#include "freshet/v1/learner.pb.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {

// How long to wait for something that must happen.
constexpr absl::Duration kCrashPatience = absl::Seconds(60);

// The learner of the models whose server is killed.
v1::LearnerSpec CrashLearner();

// Until destroyed, takes snapshots of a model as fast as it can and keeps the newest two.
class Snapshotter {
 public:
  Snapshotter(std::string address, std::string model);
  ~Snapshotter();
  Snapshotter(const Snapshotter&) = delete;
  Snapshotter& operator=(const Snapshotter&) = delete;

  int taken() const { return taken_; }

 private:
  void Run();

  const std::string address_;
  const std::string model_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> taken_{0};
  std::thread thread_;
};

// A server that is killed, and started again on the same folder and port.
class CrashFixture : public testing::Test {
 public:
  ~CrashFixture() override { server_.reset(); }

 protected:
  CrashFixture();

  void SetConfig(const std::string& text);
  std::string DataDir() const { return folder_.path() + "/data"; }

  // A random duration of at most so many milliseconds.
  absl::Duration RandomMilliseconds(int max);

  // Starts the server on its previous port and waits until it serves; tries again while the port is
  // taken.
  void Serve();
  void Kill();
  // Kills the server, sometimes also during its next start, then starts it until it serves.
  void KillAndStart();
  bool has_kills_left() const { return kill_count_ < kills_; }
  void PrintKills() const;

  const uint32_t kills_;
  const uint32_t seed_;
  std::mt19937 random_;
  const TemporaryFolder folder_;
  std::unique_ptr<ServerProcess> server_;
  std::string address_;
  std::unique_ptr<Client> client_;

 private:
  std::vector<std::string> Flags() const;

  uint32_t kill_count_ = 0;
  uint32_t kills_during_start_ = 0;
  uint32_t cut_tails_ = 0;
  uint32_t rebuilt_joins_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_E2E_CRASH_FIXTURE_H_
