// What most tests of a real server need: the server, a client connected to it, and small models.

#ifndef FRESHET_TESTS_SUPPORT_SERVER_FIXTURE_H_
#define FRESHET_TESTS_SUPPORT_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {

class ServerFixture : public testing::Test {
 protected:
  // Starts the server on data_dir_, or starts it again once it has ended, and connects to it.
  void Start(std::vector<std::string> flags = {});
  // The same with a config file of this content.
  void StartWithConfig(const std::string& text);
  // Changes the config file that the server was started with.
  void WriteConfig(const std::string& text) const;

  // Waits until the server's log contains `text`.
  void AwaitLog(const std::string& text) const;

  // A logistic model of 2^bits slots.
  static v1::LearnerSpec SmallLearner(uint32_t bits = 12);
  void CreateModel(const std::string& id, uint32_t bits = 12) const;

  // Expects a well-behaved client to succeed: it pushes ten examples and predicts.
  void ExpectHealthy(const std::string& model = "ctr") const;

  const TemporaryFolder folder_;
  std::string data_dir_ = folder_.path() + "/data";
  std::vector<std::string> environment_;  // Of servers started later; see ServerProcess::Start().
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_SERVER_FIXTURE_H_
