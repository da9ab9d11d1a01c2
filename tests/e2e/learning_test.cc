// Pushing to a real server and predicting with it.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "client/packed_encoder.h"
#include "client/pusher.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class LearningTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr", 16));
    stub_ = v1::LearningService::NewStub(client_->channel());
  }

  static v1::LearnRequest Request(uint64_t sequence, const std::vector<float>& labels) {
    v1::LearnRequest request;
    request.set_model("models/ctr");
    request.set_producer_id("test");
    request.set_sequence(sequence);
    v1::PackedBatch& packed = *request.mutable_packed();
    packed.add_namespaces("");
    packed.add_segment_sizes(1);
    for (const float label : labels) {
      packed.add_labels(label);
      packed.add_feature_ids(7);
    }
    return request;
  }

  // Sends requests on a stream of their own, closes it, and returns the answers.
  std::vector<v1::LearnResponse> Exchange(const std::vector<v1::LearnRequest>& requests,
                                          grpc::Status* status) {
    grpc::ClientContext context;
    auto stream = stub_->Learn(&context);
    for (const v1::LearnRequest& request : requests) {
      if (!stream->Write(request)) break;
    }
    stream->WritesDone();
    std::vector<v1::LearnResponse> responses;
    v1::LearnResponse response;
    while (stream->Read(&response)) responses.push_back(response);
    *status = stream->Finish();
    return responses;
  }

  uint64_t ExampleCount() const { return client_->GetModel("ctr")->example_count(); }

  std::unique_ptr<v1::LearningService::Stub> stub_;
};

TEST_F(LearningTest, EveryPushedExampleIsLearnedOnce) {
  auto pusher = Pusher::Start(*client_, "ctr", {.batch_examples = 100});
  ASSERT_TRUE(pusher.ok());
  RandomExamples random(1);
  for (int i = 0; i < 50; ++i) {
    ExampleBatchBuilder batch;
    random.Append(97, batch);
    ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
  }
  ASSERT_TRUE((*pusher)->Close().ok());
  EXPECT_EQ((*pusher)->stats().acknowledged, 50U * 97U);
  const v1::Model model = client_->GetModel("ctr").value();
  EXPECT_EQ(model.example_count(), 50U * 97U);
  EXPECT_EQ(model.queued_example_count(), 0U);
  const v1::ProgressiveMetrics& metrics = model.variants(0).metrics();
  EXPECT_LT(metrics.loss(), metrics.base_rate_loss());
  EXPECT_GT(metrics.auc(), 0.6);
}

TEST_F(LearningTest, AStreamOfEverNewNamespacesIsCutIntoBatchesThatTheServerTakes) {
  auto pusher = Pusher::Start(*client_, "ctr", {.batch_examples = 10'000});
  for (int i = 0; i < 3000; ++i) {
    Example example;
    example.Add("namespace" + std::to_string(i), "x");
    ASSERT_TRUE((*pusher)->Push(example).ok());
  }
  const absl::Status status = (*pusher)->Close();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(ExampleCount(), 3000U);
}

TEST_F(LearningTest, ABadBatchIsExplainedAndDoesNotEndTheStream) {
  v1::LearnRequest not_finite = Request(2, {1, 0});
  not_finite.mutable_packed()->add_values(1);
  not_finite.mutable_packed()->add_values(std::numeric_limits<float>::infinity());
  v1::LearnRequest empty = Request(3, {});
  v1::LearnRequest none = Request(4, {1});
  none.clear_packed();
  grpc::Status status;
  const auto responses = Exchange(
      {Request(1, {1, 0, 1}), not_finite, empty, none, Request(5, {1, 5, 0}), Request(6, {1})},
      &status);
  EXPECT_TRUE(status.ok()) << status.error_message();
  std::vector<uint64_t> rejected;
  for (const v1::LearnResponse& response : responses) {
    if (response.has_error()) rejected.push_back(response.sequence());
  }
  EXPECT_EQ(rejected, (std::vector<uint64_t>{2, 3, 4, 5}));
  ASSERT_GE(responses.size(), 5U);
  EXPECT_EQ(responses[1].error().rows(0).row(), 1U);
  EXPECT_EQ(responses[1].error().rows(0).field(), "values[1]");
  EXPECT_EQ(responses[4].error().rows(0).field(), "label");
  EXPECT_EQ(ExampleCount(), 4U);  // Only the good batches.
}

TEST_F(LearningTest, AResendIsADuplicate) {
  grpc::Status status;
  Exchange({Request(1, {1}), Request(2, {1, 1})}, &status);
  const auto responses = Exchange({Request(2, {1, 1}), Request(3, {0})}, &status);
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_TRUE(responses[0].duplicate());
  EXPECT_FALSE(responses[1].duplicate());
  EXPECT_EQ(ExampleCount(), 4U);
}

TEST_F(LearningTest, MalformedRequestsEndTheStreamWithTheReason) {
  const auto status_of = [&](v1::LearnRequest request) {
    grpc::Status status;
    Exchange({std::move(request)}, &status);
    return status;
  };
  v1::LearnRequest request = Request(1, {1});
  request.set_model("models/nope");
  grpc::Status status = status_of(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("freshet models create nope"));
  request = Request(1, {1});
  request.clear_model();
  EXPECT_EQ(status_of(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request = Request(1, {1});
  request.set_producer_id("no spaces allowed");
  EXPECT_THAT(status_of(request).error_message(), HasSubstr("producer_id"));
  request = Request(0, {1});
  EXPECT_THAT(status_of(request).error_message(), HasSubstr("sequence"));
  EXPECT_EQ(ExampleCount(), 0U);
}

TEST_F(LearningTest, PredictionsBeforeLearningComeBackWhenAskedFor) {
  v1::LearnRequest first = Request(1, {1, 1});
  first.set_return_predictions(true);
  grpc::Status status;
  const auto responses = Exchange({first}, &status);
  ASSERT_EQ(responses.size(), 1U);
  ASSERT_EQ(responses[0].predictions_size(), 2);
  EXPECT_EQ(responses[0].predictions(0), 0.5f);  // Nothing learned yet.
  EXPECT_GT(responses[0].predictions(1), 0.5f);  // One positive learned.
}

// The sender kept a tenth of the negatives; predictions are as if it had kept all of them.
TEST_F(LearningTest, PredictionsAreCorrectedForDroppedNegatives) {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(10);
  learner.set_negative_sampling_rate(0.1);
  learner.mutable_adagrad();  // A mixture would learn that the labels alternate.
  ASSERT_TRUE(client_->CreateModel("sampled", learner).ok());
  grpc::Status status;
  const auto push = [&](uint64_t sequence) {
    v1::LearnRequest request = Request(sequence, {});
    request.set_model("models/sampled");
    request.set_return_predictions(true);
    for (int i = 0; i < 2000; ++i) {
      request.mutable_packed()->add_labels(i % 2 == 0 ? 1 : 0);
      request.mutable_packed()->add_feature_ids(7);
    }
    return Exchange({request}, &status).at(0);
  };
  const v1::LearnResponse first = push(1);
  EXPECT_NEAR(first.predictions(0), 0.1 / 1.1, 1e-6);  // The kept examples have odds of 1.
  EXPECT_NEAR(first.scores(0), std::log(0.1), 1e-6);
  push(2);
  Example example;
  const absl::StatusOr<Prediction> prediction = client_->Predict("sampled", example);
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_NEAR(prediction->prediction, 1 / (1 + std::exp(-prediction->score)), 1e-6);
  EXPECT_LT(prediction->prediction, 0.2f);
  const v1::ProgressiveMetrics metrics = client_->GetModel("sampled")->variants(0).metrics();
  EXPECT_EQ(metrics.example_count(), 4000U);
  EXPECT_NEAR(metrics.weight_sum(), 2000 + 20000, 1);
  EXPECT_NEAR(metrics.label_mean(), 1 / 11.0, 1e-6);
  EXPECT_NEAR(metrics.calibration(), 1, 0.05);
}

TEST_F(LearningTest, TheFiguresOfAModelAreAllThere) {
  grpc::Status status;
  Exchange({Request(1, {1, 0, 1, 1})}, &status);
  v1::ProgressiveMetrics metrics = client_->GetModel("ctr")->variants(0).metrics();
  EXPECT_EQ(metrics.window().example_count(), 4U);
  EXPECT_NEAR(metrics.window().loss(), metrics.loss(), 1e-12);
  ASSERT_GT(metrics.reliability_bins_size(), 0);
  double weight = 0;
  for (const v1::ReliabilityBin& bin : metrics.reliability_bins()) weight += bin.weight_sum();
  EXPECT_EQ(weight, 4);
  ASSERT_EQ(metrics.drift_alarms_size(), 2);
  EXPECT_EQ(metrics.drift_alarms(0).subject(), "loss");
  EXPECT_EQ(metrics.drift_alarms(1).subject(), "label_rate");
  EXPECT_FALSE(metrics.has_mean_squared_error());
  v1::LearnerSpec squared;
  squared.set_loss(v1::LOSS_SQUARED);
  squared.mutable_adagrad();
  squared.set_bits(10);
  squared.set_l1(1000);  // Keeps the weight at 0.
  ASSERT_TRUE(client_->CreateModel("numbers", squared).ok());
  v1::LearnRequest request = Request(1, {3, 5});
  request.set_model("models/numbers");
  Exchange({request}, &status);
  const v1::Variant variant = client_->GetModel("numbers")->variants(0);
  EXPECT_NEAR(variant.metrics().mean_squared_error(), variant.metrics().loss(), 1e-12);
  EXPECT_TRUE(variant.metrics().has_mean_absolute_error() && variant.metrics().has_r_squared());
  EXPECT_EQ(variant.table().zero_weight_count(), 1U);
}

TEST_F(LearningTest, PredictNamesTheOffsetAndRefusesBadInput) {
  grpc::Status status;
  Exchange({Request(1, {1, 1, 1})}, &status);
  v1::PredictRequest request;
  request.set_model("models/ctr");
  *request.mutable_packed() = Request(1, {0}).packed();
  v1::PredictResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->Predict(&context, request, &response).ok());
  EXPECT_EQ(response.offset(), 1U);
  EXPECT_GT(response.predictions(0), 0.5f);
  request.mutable_packed()->add_values(std::numeric_limits<float>::quiet_NaN());
  grpc::ClientContext bad_context;
  status = stub_->Predict(&bad_context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("row 0: values[0]"));
}

TEST_F(LearningTest, ReadableExamplesTeachTheSameAsPackedOnes) {
  v1::LearnRequest request = Request(1, {});
  v1::Example& example = *request.mutable_examples()->add_examples();
  example.set_label(1);
  v1::Namespace& group = *example.add_namespaces();
  group.set_name("user");
  group.add_features()->set_name("u42");
  grpc::Status status;
  Exchange({request}, &status);
  ASSERT_TRUE(status.ok()) << status.error_message();
  Example same;
  same.Add("user", "u42");
  EXPECT_GT(client_->Predict("ctr", same)->prediction, 0.5f);
  Example other;
  other.Add("user", "u43");
  EXPECT_LT(client_->Predict("ctr", other)->score, client_->Predict("ctr", same)->score);
}

// It used to be learned as 0. A 0 that is set is learned, and is the same after a restart.
TEST_F(LearningTest, AnExampleWithoutALabelIsABadRowAndALabelOf0IsNot) {
  v1::LearnRequest readable = Request(1, {});
  readable.mutable_examples()->add_examples()->set_label(0);
  readable.mutable_examples()->add_examples()->add_namespaces()->add_features()->set_name("u42");
  v1::LearnRequest packed = Request(1, {1, 0});
  packed.mutable_packed()->clear_labels();
  grpc::Status status;
  for (const v1::LearnRequest& request : {readable, packed}) {
    const std::vector<v1::LearnResponse> responses = Exchange({request}, &status);
    ASSERT_EQ(responses.size(), 1U) << status.error_message();
    EXPECT_EQ(responses[0].error().code(), 3);
    EXPECT_THAT(responses[0].error().message(), HasSubstr("is missing"));
    if (request.has_packed()) continue;
    ASSERT_EQ(responses[0].error().rows_size(), 1);
    EXPECT_EQ(responses[0].error().rows(0).row(), 1U);
    EXPECT_EQ(responses[0].error().rows(0).field(), "label");
  }
  readable.mutable_examples()->mutable_examples(1)->set_label(0);
  Exchange({readable}, &status);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), 2U);
  const std::string digest = client_->ComputeDigest("ctr")->digest;
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest);
}

TEST_F(LearningTest, DeletingAModelEndsItsStreams) {
  grpc::ClientContext context;
  auto stream = stub_->Learn(&context);
  stream->Write(Request(1, {1}));
  v1::LearnResponse response;
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_TRUE(client_->DeleteModel("ctr").ok());
  stream->Write(Request(2, {1}));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(LearningTest, StoppingTheServerTellsItsStreams) {
  grpc::ClientContext context;
  auto stream = stub_->Learn(&context);
  stream->Write(Request(1, {1}));
  v1::LearnResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(server_->Stop().code, 0);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(LearningTest, ManyModelsLearnSideBySide) {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_SQUARED);
  learner.set_bits(10);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    const std::string id = "m" + std::to_string(i);
    ASSERT_TRUE(client_->CreateModel(id, learner).ok());
    threads.emplace_back([this, id, i] {
      auto pusher = Pusher::Start(*client_, id, {.batch_examples = 16});
      RandomExamples random(static_cast<uint32_t>(i));
      for (int k = 0; k < 20; ++k) {
        ExampleBatchBuilder batch;
        random.Append(50, batch);
        ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
      }
      ASSERT_TRUE((*pusher)->Close().ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<v1::Model> models = client_->ListModels().value();
  EXPECT_EQ(models.size(), 9U);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(client_->GetModel("m" + std::to_string(i))->example_count(), 1000U);
  }
}

}  // namespace
}  // namespace freshet
