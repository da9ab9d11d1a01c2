// A registry of models on a file system of the test's.

#ifndef FRESHET_TESTS_SERVER_REGISTRY_REGISTRY_TEST_H_
#define FRESHET_TESTS_SERVER_REGISTRY_REGISTRY_TEST_H_

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "server/file/data_dir.h"
#include "server/registry/model_registry.h"
#include "tests/support/fault_file_system.h"

namespace freshet {

class RegistryTest : public testing::Test {
 protected:
  // Two models learn at a time.
  RegistryTest() { EXPECT_TRUE(registry_.Recover().ok()); }

  std::shared_ptr<ServedModel> Create(const std::string& id) {
    v1::Model requested;
    requested.set_durability(v1::DURABILITY_NONE);
    requested.add_variants()->mutable_learner()->set_loss(v1::LOSS_LOGISTIC);
    requested.mutable_variants(0)->mutable_learner()->set_bits(10);
    auto model = registry_.Create(id, requested);
    EXPECT_TRUE(model.ok()) << model.status();
    return *model;
  }

  absl::Status Delete(const std::string& id) {
    const auto status = std::make_shared<absl::Status>();
    const auto done = std::make_shared<std::latch>(1);
    registry_.Delete(id, [status, done](absl::Status result) {
      *status = std::move(result);
      done->count_down();
    });
    done->wait();
    return *status;
  }

  FaultFileSystem files_;
  const std::unique_ptr<DataDir> data_dir_ = DataDir::Open(files_, "/data").value();
  WorkerPool io_{"io", 1};
  WorkerPool loggers_{"logger", 1};
  WorkerPool learners_{"learner", 2};
  const ModelEnvironment environment_{.data_dir = *data_dir_,
                                      .learners = learners_,
                                      .loggers = loggers_,
                                      .io = io_,
                                      .clock = [] { return absl::UnixEpoch(); },
                                      .server_version = "test"};
  ModelRegistry registry_{environment_};
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_REGISTRY_REGISTRY_TEST_H_
