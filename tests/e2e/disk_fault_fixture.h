// What the tests of disks that fail have in common: a server, a model "ctr", a stream for it, and
// what must hold while the disk fails and once it works again.

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

  // Ends the server and unmounts what was mounted.
  void TearDown() override;

  // Mounts a small tmpfs for the server's data and returns its folder, or the reason why that is
  // not permitted.
  absl::StatusOr<std::string> MountTmpfs();

  // Pushes the stream of the test, some 4 MB of log, to its end.
  static absl::Status PushStream(Pusher& pusher);
  std::unique_ptr<Pusher> StartPusher(const std::string& model,
                                      absl::Duration retry_deadline = kPatience) const;
  // Waits until something was refused.
  static void AwaitRefusal(const Pusher& pusher);
  // Tries once, and returns what the server says.
  absl::Status PushOneRow() const;
  // Whether predictions are answered.
  bool Predicts() const;

  // Pushes the stream to "ctr" on a disk that fails until `mend` is called. Expects that what is
  // refused says `reason`, that predictions go on, and that nothing is lost or learned twice, also
  // when the server is killed and `restart` starts it.
  void ExpectNothingIsLost(const std::string& reason, const std::function<void()>& mend,
                           const std::function<void()>& restart);

 private:
  std::string mounted_;  // Empty: nothing is.
};

}  // namespace freshet

#endif  // FRESHET_TESTS_E2E_DISK_FAULT_FIXTURE_H_
