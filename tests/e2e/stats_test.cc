// StatsService over a real connection.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/pusher.h"
#include "freshet/v1/stats_service.grpc.pb.h"
#include "tests/e2e/all_learners.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StatsTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    stub_ = v1::StatsService::NewStub(client_->channel());
  }

  // Pushes examples in which Ann clicks.
  void PushAnn(const std::string& model) const {
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    for (int i = 0; i < 20; ++i) {
      Example example;
      example.label = 1;
      example.Add("user", "ann");
      ASSERT_TRUE((*pusher)->Push(example).ok());
    }
    ASSERT_TRUE((*pusher)->Close().ok());
  }

  std::unique_ptr<v1::StatsService::Stub> stub_;
};

TEST_F(StatsTest, TellsWhenAWeightWasLearnedLastWhereThereIsALog) {
  const v1::LearnerSpec learner = SmallLearner();
  ASSERT_TRUE(client_->CreateModel("kept", learner, {.durability = v1::DURABILITY_OS}).ok());
  ASSERT_TRUE(client_->CreateModel("none", learner, {.durability = v1::DURABILITY_NONE}).ok());
  Example ann;
  ann.Add("user", "ann");
  ann.Add("user", "bob");
  for (const std::string model : {"kept", "none"}) {
    ASSERT_NO_FATAL_FAILURE(PushAnn(model));
    ExampleBatchBuilder one;
    ann.AppendTo(&one);
    const auto explained = client_->Explain(model, one, /*with_recent_use=*/true);
    ASSERT_TRUE(explained.ok()) << explained.status();
    if (model == "none") {
      EXPECT_EQ(explained->recent_example_count(), 0U);
      continue;
    }
    EXPECT_EQ(explained->recent_example_count(), 20U);
    int known = 0;
    for (const v1::Contribution& contribution : explained->contributions()) {
      if (!contribution.feature().has_recent_use()) continue;
      ++known;
      EXPECT_EQ(contribution.feature().recent_use().example_count(), 20U);
      EXPECT_EQ(contribution.feature().recent_use().last_offset(), explained->offset() - 1);
      EXPECT_EQ(contribution.feature().recent_use().examples_since(), 0U);
    }
    EXPECT_EQ(known, 1);  // Bob was never learned.
  }
  ExampleBatchBuilder one;
  ann.AppendTo(&one);
  EXPECT_EQ(client_->Explain("kept", one)->recent_example_count(), 0U);  // Not requested.
}

TEST_F(StatsTest, ExplainsThePredictionsOfEveryLearner) {
  int number = 0;
  for (const v1::LearnerSpec& learner : AllLearners()) {
    const std::string model = "m" + std::to_string(number++);
    SCOPED_TRACE(model);
    ASSERT_TRUE(client_->CreateModel(model, learner).ok());
    RandomExamples random(3);
    ExampleBatchBuilder batch;
    random.Append(300, batch);
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok());
    ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    ASSERT_TRUE((*pusher)->Close().ok());
    ExampleBatchBuilder one;
    random.Append(1, one);
    const auto prediction = client_->Predict(model, one);
    const auto explanation = client_->Explain(model, one);
    ASSERT_TRUE(explanation.ok()) << explanation.status();
    EXPECT_EQ(static_cast<float>(explanation->score()), prediction->scores[0]);
    EXPECT_EQ(static_cast<float>(explanation->prediction()), prediction->predictions[0]);
    EXPECT_EQ(explanation->offset(), prediction->offset);
    if (!learner.has_features()) {
      ASSERT_EQ(explanation->contributions_size(), static_cast<int>(one.feature_count()));
    }
    double sum = explanation->intercept();
    for (const v1::Contribution& feature : explanation->contributions()) {
      sum += feature.contribution();
    }
    EXPECT_NEAR(sum, explanation->score(), 1e-5 * (1 + std::abs(explanation->score())));
    const auto weights = client_->ListTopWeights(model, 5);
    ASSERT_TRUE(weights.ok()) << weights.status();
    EXPECT_EQ(weights->features_size(), 5);
    EXPECT_TRUE(std::is_sorted(
        weights->features().begin(), weights->features().end(),
        [](const auto& a, const auto& b) { return std::abs(a.weight()) > std::abs(b.weight()); }));
  }
}

TEST_F(StatsTest, LearnsNamesAndNotFromPredictions) {
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr", 10));
  ASSERT_NO_FATAL_FAILURE(PushAnn("ctr"));
  Example bob;
  bob.Add("user", "bob");
  ASSERT_TRUE(client_->Predict("ctr", bob).ok());
  const auto explained = client_->Explain("ctr", bob);
  ASSERT_TRUE(explained.ok());
  EXPECT_THAT(explained->contributions(0).feature().names(), ElementsAre("user^bob"));
  const auto weights = client_->ListTopWeights("ctr");
  ASSERT_TRUE(weights.ok());
  ASSERT_EQ(weights->features_size(), 1);
  EXPECT_THAT(weights->features(0).names(), ElementsAre("user^ann"));
  // A slot alone does not give the name.
  v1::ExplainRequest request;
  request.set_name("models/ctr/variants/main");
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_feature_ids(explained->contributions(0).feature().slot());
  packed.add_segment_sizes(1);
  packed.set_row_count(1);
  grpc::ClientContext context;
  v1::ExplainResponse response;
  ASSERT_TRUE(stub_->Explain(&context, request, &response).ok());
  EXPECT_THAT(response.contributions(0).feature().names(), IsEmpty());
}

TEST_F(StatsTest, KeepsNamesInRestoredAndCopiedModels) {
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr", 10));
  ASSERT_NO_FATAL_FAILURE(PushAnn("ctr"));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "kept").ok());
  ASSERT_TRUE(client_->CreateModelFromSnapshot("copy", "models/ctr/snapshots/kept").ok());
  const std::string digest = client_->ComputeDigest("ctr")->digest;
  ASSERT_TRUE(client_->RestoreSnapshot("ctr", "kept").ok());
  for (int run = 0; run < 2; ++run) {
    for (const char* model : {"ctr", "copy"}) {
      const auto weights = client_->ListTopWeights(model);
      ASSERT_TRUE(weights.ok()) << weights.status();
      ASSERT_EQ(weights->features_size(), 1);
      EXPECT_THAT(weights->features(0).names(), ElementsAre("user^ann"));
      EXPECT_EQ(client_->ComputeDigest(model)->digest, digest);
    }
    server_->Kill();
    ASSERT_NO_FATAL_FAILURE(Start());
  }
}

TEST_F(StatsTest, SaysWhatIsWrongWithARequest) {
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr", 10));
  ASSERT_NO_FATAL_FAILURE(CreateModel("other", 10));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "a").ok());
  EXPECT_EQ(client_->ListTopWeights("none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(client_->ListTopWeights("models/ctr/variants/none").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(client_->ListTopWeights("models/").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->CompareSnapshots("ctr", "a", "none").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(client_->CompareSnapshots("ctr", "a", "models/other/snapshots/a").status().code(),
            absl::StatusCode::kInvalidArgument);
  ExampleBatchBuilder two;
  RandomExamples(1).Append(2, two);
  const auto explained = client_->Explain("ctr", two);
  EXPECT_EQ(explained.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(explained.status().message()), HasSubstr("one example"));
  Example large;
  for (uint32_t id = 0; id < 20'000; ++id) large.AddId("", id);
  EXPECT_EQ(client_->Explain("ctr", large).status().code(), absl::StatusCode::kInvalidArgument);
  grpc::ClientContext context;
  v1::ExplainRequest empty;
  empty.set_name("models/ctr");
  v1::ExplainResponse response;
  EXPECT_EQ(stub_->Explain(&context, empty, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace freshet
