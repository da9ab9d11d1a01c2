#include "server/model/shared_answer.h"
#include "tests/server/model/served_model_peer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <vector>

#include "tests/server/model/model_fixture.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

class SharedAnswerTest : public testing::Test {
 protected:
  struct Counting {
    std::atomic<int> computations{0};
    SharedAnswer<uint64_t> answer{WriterShare::kBrief, [this](const ModelState& state) {
                                    ++computations;
                                    return state.offset();
                                  }};
  };

  void SetUp() override { served_.Create(v1::DURABILITY_NONE); }

  uint64_t Ask() {
    return Await<uint64_t>([this](auto done) {
      counting_->answer.Ask(PipelineOf(served_.model()), served_.model().offset(), counting_, done);
    });
  }

  FaultFileSystem files_;
  Served served_{files_};
  std::shared_ptr<Counting> counting_ = std::make_shared<Counting>();
};

TEST_F(SharedAnswerTest, IsComputedAgainOnlyWhenTheStateHasMovedOn) {
  EXPECT_EQ(Ask(), 0U);
  EXPECT_EQ(Ask(), 0U);
  EXPECT_EQ(counting_->computations, 1);
  served_.PushUntilAcknowledged(1);
  EXPECT_EQ(Ask(), 1U);
  EXPECT_EQ(Ask(), 1U);
  EXPECT_EQ(counting_->computations, 2);
}

TEST_F(SharedAnswerTest, AllWhoAskWhileTheWriterIsBusyGetOneComputation) {
  constexpr int kAsking = 100;
  std::latch running(1);
  std::latch release(1);
  PipelineOf(served_.model()).RunOnWriter([&](ModelState&) {
    running.count_down();
    release.wait();
  });
  running.wait();
  std::latch answered(kAsking);
  for (int i = 0; i < kAsking; ++i) {
    counting_->answer.Ask(PipelineOf(served_.model()), served_.model().offset(), counting_,
                          [&answered](uint64_t) { answered.count_down(); });
  }
  EXPECT_EQ(counting_->computations, 0);
  release.count_down();
  answered.wait();
  EXPECT_EQ(counting_->computations, 1);
}

TEST_F(SharedAnswerTest, FiguresAndDigestsHaveAllThatWasAcknowledged) {
  std::string last_digest;
  for (uint64_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(served_.Push(i).status.ok());
    EXPECT_EQ(served_.Describe().offset(), i);
    const v1::ComputeDigestResponse digest = served_.Digest();
    EXPECT_EQ(digest.offset(), i);
    EXPECT_NE(digest.digest(), last_digest);
    EXPECT_EQ(served_.Digest().digest(), digest.digest());
    last_digest = digest.digest();
  }
}

}  // namespace
}  // namespace freshet
