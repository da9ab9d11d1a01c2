// What tests of failing disks share: a server, a model "ctr", a stream for it, and what must hold
// while the disk fails and once it works again.

#ifndef FRESHET_TESTS_E2E_DISK_FAULT_FIXTURE_H_
#define FRESHET_TESTS_E2E_DISK_FAULT_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/server_fixture.h"

namespace freshet {

class DiskFaultTest : public ServerFixture {
 protected:
  static constexpr absl::Duration kPatience = absl::Seconds(60);

  // Stops the server and unmounts what the test mounted.
  void TearDown() override;

  // Mounts a small tmpfs for the server's data and returns its folder. Fails if this user may not
  // mount one.
  absl::StatusOr<std::string> MountTmpfs();

  // Pushes the whole stream of the test, which makes about 4 MB of log.
  static absl::Status PushStream(Pusher& pusher);
  std::unique_ptr<Pusher> StartPusher(const std::string& model,
                                      absl::Duration retry_deadline = kPatience) const;
  // Waits until the server has refused a batch.
  static void AwaitRefusal(const Pusher& pusher);
  // Pushes one row without retries, and returns the server's answer.
  absl::Status PushOneRow() const;
  // Whether the server answers predictions.
  bool Predicts() const;

  // Pushes the stream to "ctr" while the disk fails, then calls `mend`. Expects that refusals
  // contain `reason`, that predictions are answered meanwhile, and that nothing is lost or learned
  // twice, not even after the server is killed and `restart` has started it again.
  void ExpectNothingIsLost(const std::string& reason, const std::function<void()>& mend,
                           const std::function<void()>& restart);

 private:
  std::string mounted_;  // Empty if nothing is mounted.
};

}  // namespace freshet

#endif  // FRESHET_TESTS_E2E_DISK_FAULT_FIXTURE_H_
