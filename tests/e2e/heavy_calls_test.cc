// No client's calls stop anybody else: small predictions are answered soon, and models keep
// learning, whatever a client that may only read or predict asks for. The bounds are far above the
// usual values, and relative to the same machine without the load.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/call_loop.h"
#include "tests/support/heavy_calls.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

constexpr absl::Duration kMeasured = absl::Seconds(2);

// A load is measured until the bound holds, at most this many times. Something else on the machine
// may spoil one measurement, but a server whose threads are blocked spoils all of them.
constexpr int kMostMeasurements = 3;

// Bounds for the 99th percentile of small predictions beside a load. It took seconds when calls
// blocked gRPC's threads.
constexpr double kMostMs = 60;
constexpr double kMostOfQuiet = 20;

class HeavyCallsTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    // The load uses its own connection: calls that share one wait for each other's bytes.
    auto other = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(other.ok()) << other.status();
    other_client_ = *std::move(other);
    ASSERT_NO_FATAL_FAILURE(CreateModel("small"));
  }

  void Create(const std::string& model, const v1::LearnerSpec& learner) const {
    const auto created = client_->CreateModel(model, learner, {.durability = v1::DURABILITY_NONE});
    ASSERT_TRUE(created.ok()) << created.status();
  }

  // Makes small predictions for a while, and returns the 99th percentile of their latencies.
  double PredictForAWhile() const {
    CallLoop loop(2, PredictCallOf(*client_, PackedPrediction("small", 1)));
    absl::SleepFor(kMeasured);
    loop.Stop();
    EXPECT_TRUE(loop.failure().ok()) << loop.failure().error_message();
    const std::vector<double> latencies = loop.latencies_ms();
    EXPECT_GT(latencies.size(), 50U);
    return QuantileOf(latencies, 0.99);
  }

  // Expects small predictions to be fast beside the calls, which must all succeed.
  void ExpectSmallPredictionsAreSoonBeside(int callers, const CallLoop::Call& call) const {
    const double quiet_ms = PredictForAWhile();
    const double most_ms = std::max(kMostMs, kMostOfQuiet * quiet_ms);
    CallLoop load(callers, call);
    double loaded_ms = PredictForAWhile();
    for (int i = 1; i < kMostMeasurements && loaded_ms >= most_ms; ++i) {
      loaded_ms = std::min(loaded_ms, PredictForAWhile());
    }
    RecordProperty("quiet_p99_us", static_cast<int>(1000 * quiet_ms));
    RecordProperty("loaded_p99_us", static_cast<int>(1000 * loaded_ms));
    EXPECT_LT(loaded_ms, most_ms);
    load.Stop();
    EXPECT_TRUE(load.failure().ok()) << load.failure().error_message();
  }

  // Returns how many batches a model learns in a while, one after the other.
  int PushForAWhile(const std::string& model) {
    auto pusher = Pusher::Start(*client_, model, {});
    EXPECT_TRUE(pusher.ok()) << pusher.status();
    const absl::Time end = absl::Now() + kMeasured;
    int batches = 0;
    for (; absl::Now() < end; ++batches) {
      ExampleBatchBuilder batch;
      random_.Append(50, batch);
      EXPECT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    EXPECT_TRUE((*pusher)->Close().ok());
    return batches;
  }

  // Expects the model to learn at least a quarter as fast beside the calls.
  void ExpectToLearnBeside(const std::string& model, const CallLoop::Call& call) {
    const int quiet = PushForAWhile(model);
    CallLoop load(2, call);
    int loaded = PushForAWhile(model);
    for (int i = 1; i < kMostMeasurements && loaded <= quiet / 4; ++i) {
      loaded = std::max(loaded, PushForAWhile(model));
    }
    load.Stop();
    EXPECT_TRUE(load.failure().ok()) << load.failure().error_message();
    EXPECT_GT(load.latencies_ms().size(), 0U);
    RecordProperty("quiet_batches", quiet);
    RecordProperty("loaded_batches", loaded);
    EXPECT_GT(loaded, quiet / 4);
  }

  std::unique_ptr<Client> other_client_;
  RandomExamples random_{1};
};

// 45 features, sent in about 400 bytes, make 16,215 combinations of three. Such a call took half a
// minute, on one of gRPC's few threads.
TEST_F(HeavyCallsTest, ExplanationsOfManyFeaturesStopNobody) {
  Create("wide", CombiningLearner());
  ExpectSmallPredictionsAreSoonBeside(
      3, ExplainCallOf(*other_client_, "models/wide", WideExample(45)));
}

TEST_F(HeavyCallsTest, ExplanationsOfAVariantDoNotKeepItFromLearning) {
  Create("wide", CombiningLearner());
  ExpectToLearnBeside("wide",
                      ExplainCallOf(*other_client_, "models/wide/variants/main", WideExample(40)));
}

TEST_F(HeavyCallsTest, AnExampleThatBecomesTooManyFeaturesIsRefusedByNumber) {
  Create("wide", CombiningLearner());
  grpc::ClientContext context;
  const grpc::Status status = ExplainCallOf(*client_, "models/wide", WideExample(60))(context);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(
      status.error_message(),
      "the example has 37880 features including those that the model makes of them; at most 16384 "
      "are explained (limits.max_explained_features); send fewer of them");
}

TEST_F(HeavyCallsTest, LargePredictionsLetSmallOnesThrough) {
  ExpectSmallPredictionsAreSoonBeside(
      2, PredictCallOf(*other_client_, ReadablePrediction("small", size_t{7} << 20, 40)));
}

TEST_F(HeavyCallsTest, PredictionsOfManyRowsLetSmallOnesThrough) {
  ExpectSmallPredictionsAreSoonBeside(
      16, PredictCallOf(*other_client_, PackedPrediction("small", 65'536)));
}

TEST_F(HeavyCallsTest, PredictionsOfWhatBecomesManyFeaturesLetSmallOnesThrough) {
  Create("wide", CombiningLearner());
  ExpectSmallPredictionsAreSoonBeside(
      4, PredictCallOf(*other_client_, ReadablePrediction("wide", 20'000, 70)));
}

TEST_F(HeavyCallsTest, DigestsLeaveAModelItsTimeToLearn) {
  v1::LearnerSpec learner = SmallLearner(20);
  learner.mutable_auto_();
  Create("large", learner);
  ExpectToLearnBeside("large", DigestCallOf(*other_client_, "large"));
}

TEST_F(HeavyCallsTest, DescriptionsLeaveAModelItsTimeToLearn) {
  v1::LearnerSpec learner = SmallLearner(20);
  learner.mutable_auto_();
  Create("large", learner);
  ExpectToLearnBeside("large", DescribeCallOf(*other_client_, "large"));
}

// A long call ends when its caller leaves, and does not keep the server from stopping.
TEST_F(HeavyCallsTest, TheServerStopsWhileTheyRun) {
  Create("wide", CombiningLearner());
  CallLoop explanations(3, ExplainCallOf(*other_client_, "models/wide", WideExample(40)));
  CallLoop predictions(
      3, PredictCallOf(*other_client_, ReadablePrediction("wide", size_t{2} << 20, 70)));
  absl::SleepFor(absl::Seconds(1));
  const absl::Time begin = absl::Now();
  server_->Signal(SIGTERM);
  const ExitState exit = server_->Wait(absl::Seconds(60));
  EXPECT_EQ(exit.code, 0) << exit.log;
  EXPECT_LT(absl::Now() - begin, absl::Seconds(20));
}

}  // namespace
}  // namespace freshet
