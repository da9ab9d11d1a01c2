// More models than the process may have file descriptors.

#include <gtest/gtest.h>

#include <string>

#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/process_usage.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

constexpr int kManyModels = 600;
constexpr uint64_t kRowsEach = 10;

class ManyModelsTest : public ServerFixture {
 protected:
  void StartWithFewDescriptors() {
    client_.reset();
    server_.reset();
    auto server = ServerProcess::StartProgram({"/bin/sh", "-c", "ulimit -n 256; exec \"$@\"", "sh",
                                               BinaryDir() + "/freshetd", "--listen=127.0.0.1:0",
                                               "--http=127.0.0.1:0", "--data-dir=" + data_dir_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto client = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  static std::string Id(int i) { return "m" + std::to_string(i); }

  void Push(const std::string& model) const {
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    ExampleBatchBuilder batch;
    RandomExamples(3).Append(kRowsEach, batch);
    ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    const absl::Status status = (*pusher)->Close();
    ASSERT_TRUE(status.ok()) << model << ": " << status;
    EXPECT_EQ((*pusher)->stats().acknowledged, kRowsEach) << model;
  }

  void ExpectRows(int i, uint64_t rows) const {
    const auto model = client_->GetModel(Id(i));
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_EQ(model->example_count(), rows) << Id(i);
  }
};

TEST_F(ManyModelsTest, LearnAndComeBackWithFewDescriptors) {
  ASSERT_NO_FATAL_FAILURE(StartWithFewDescriptors());
  for (int i = 0; i < kManyModels; ++i) {
    const v1::Durability durability = i % 4 == 0 ? v1::DURABILITY_OS : v1::DURABILITY_FSYNC;
    const auto created = client_->CreateModel(Id(i), SmallLearner(10), durability);
    ASSERT_TRUE(created.ok()) << i << ": " << created.status();
  }
  for (int i = 0; i < kManyModels; ++i) ASSERT_NO_FATAL_FAILURE(Push(Id(i)));
  EXPECT_LT(DescriptorCount(server_->pid()), 200U);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(StartWithFewDescriptors());
  for (int i = 0; i < kManyModels; ++i) ASSERT_NO_FATAL_FAILURE(ExpectRows(i, kRowsEach));
  for (int i = 0; i < kManyModels; i += 7) ASSERT_NO_FATAL_FAILURE(Push(Id(i)));
  EXPECT_EQ(server_->Stop().code, 0);
  ASSERT_NO_FATAL_FAILURE(StartWithFewDescriptors());
  for (int i = 0; i < kManyModels; ++i) {
    ASSERT_NO_FATAL_FAILURE(ExpectRows(i, i % 7 == 0 ? 2 * kRowsEach : kRowsEach));
  }
}

}  // namespace
}  // namespace freshet
