// A write that the kernel refuses for real: a file that may not grow.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kBatches = 200;
constexpr int kBatchExamples = 100;

class FailingDiskTest : public testing::Test {
 protected:
  void Start(const std::string& data_dir) {
    auto server = ServerProcess::Start(data_dir);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto client = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  void CreateModel(const std::string& model) const {
    v1::LearnerSpec learner;
    learner.set_loss(v1::LOSS_LOGISTIC);
    learner.set_bits(12);
    ASSERT_TRUE(client_->CreateModel(model, learner).ok());
  }

  static absl::Status PushAll(Pusher& pusher) {
    RandomExamples random(7);
    for (int i = 0; i < kBatches; ++i) {
      ExampleBatchBuilder batch;
      random.Append(kBatchExamples, batch);
      if (absl::Status status = pusher.PushBatch(batch); !status.ok()) return status;
    }
    return pusher.Close();
  }

  std::unique_ptr<Pusher> StartPusher(const std::string& model) const {
    return Pusher::Start(*client_, model,
                         {.retry_deadline_ms = absl::ToInt64Milliseconds(kPatience),
                          .initial_backoff_ms = 5,
                          .max_backoff_ms = 50})
        .value();
  }

  // What the server says to one who tries once.
  absl::Status PushOneRow() const {
    auto pusher = Pusher::Start(*client_, "ctr", {.retry_deadline_ms = 0});
    if (!pusher.ok()) return pusher.status();
    ExampleBatchBuilder batch;
    RandomExamples(8).Append(1, batch);
    if (absl::Status status = (*pusher)->PushBatch(batch); !status.ok()) return status;
    return (*pusher)->Close();
  }

  // Pushes a stream to a model on a disk that fails until `mend` is called, and expects that it is
  // named, that predictions go on, and that nothing is lost or learned twice, also after a crash.
  template <typename Mend, typename Restart>
  void ExpectNothingIsLost(const std::string& reason, Mend mend, Restart restart) {
    const std::unique_ptr<Pusher> pusher = StartPusher("ctr");
    absl::Status pushed = absl::UnknownError("not ended");
    std::thread pushing([&] { pushed = PushAll(*pusher); });
    const absl::Time deadline = absl::Now() + kPatience;
    while (pusher->stats().resent == 0 && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(2));
    }
    const absl::Status refused = PushOneRow();
    ExampleBatchBuilder asked;
    RandomExamples(9).Append(10, asked);
    const bool predicts = client_->Predict("ctr", asked).ok();
    mend();
    pushing.join();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(refused.message()), HasSubstr(reason));
    EXPECT_TRUE(predicts);
    ASSERT_TRUE(pushed.ok()) << pushed;
    const Digest digest = client_->ComputeDigest("ctr").value();
    EXPECT_EQ(digest.example_count, uint64_t{kBatches} * kBatchExamples);
    server_->Kill();
    ASSERT_NO_FATAL_FAILURE(restart());
    EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest.digest);
    ASSERT_NO_FATAL_FAILURE(CreateModel("reference"));
    ASSERT_TRUE(PushAll(*StartPusher("reference")).ok());
    EXPECT_EQ(client_->ComputeDigest("reference")->digest, digest.digest);
  }

  const TemporaryFolder folder_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(FailingDiskTest, AFileThatMayNotGrowIsNamedAndNothingIsLostOnceItMay) {
  const std::string data_dir = folder_.path() + "/data";
  ASSERT_NO_FATAL_FAILURE(Start(data_dir));
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  rlimit before{};
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, nullptr, &before), 0) << std::strerror(errno);
  rlimit small = before;
  small.rlim_cur = 64 << 10;
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &small, nullptr), 0) << std::strerror(errno);
  ExpectNothingIsLost(
      "File too large",
      [&] { EXPECT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &before, nullptr), 0); },
      [&] { Start(data_dir); });
}

}  // namespace
}  // namespace freshet
