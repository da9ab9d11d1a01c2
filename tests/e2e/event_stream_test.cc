// Events and their feedback on a real server, over gRPC and over HTTP.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <csignal>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "freshet/v1/event_service.grpc.pb.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kInvalid = static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT);
constexpr int kExhausted = static_cast<int>(grpc::StatusCode::RESOURCE_EXHAUSTED);
constexpr int kPrecondition = static_cast<int>(grpc::StatusCode::FAILED_PRECONDITION);

v1::FeedbackItem Click(const std::string& event_id) {
  v1::FeedbackItem item;
  item.set_event_id(event_id);
  item.set_name("click");
  return item;
}

class EventStreamTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartWithConfig("limits { max_batch_examples: 100 }"));
    learning_ = v1::LearningService::NewStub(client_->channel());
    events_ = v1::EventService::NewStub(client_->channel());
    ASSERT_NO_FATAL_FAILURE(CreateModel("plain"));
    v1::CreateModelRequest request;
    request.set_model_id("ads");
    *request.mutable_model()->add_variants()->mutable_learner() = SmallLearner();
    // Nothing is decided while a test runs.
    request.mutable_model()->mutable_label_rule()->set_wait_ms(86'400'000);
    v1::CreateModelResponse response;
    grpc::ClientContext context;
    const grpc::Status status =
        v1::ModelService::NewStub(client_->channel())->CreateModel(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  static void AddRows(int count, v1::PackedBatch& packed) {
    packed.add_namespaces("");
    packed.add_segment_sizes(1);
    packed.set_row_count(static_cast<uint32_t>(count));
    for (int i = 0; i < count; ++i) packed.add_feature_ids(static_cast<uint32_t>(i));
  }

  static v1::LearnRequest Events(uint64_t sequence, const std::vector<std::string>& ids,
                                 const std::string& model = "ads") {
    v1::LearnRequest request;
    request.set_model("models/" + model);
    request.set_producer_id("events");
    request.set_sequence(sequence);
    AddRows(static_cast<int>(ids.size()), *request.mutable_packed());
    for (const std::string& id : ids) request.add_event_ids(id);
    return request;
  }

  static v1::FeedbackRequest Feedback(uint64_t sequence, const std::vector<v1::FeedbackItem>& items,
                                      const std::string& model = "ads") {
    v1::FeedbackRequest request;
    request.set_model("models/" + model);
    request.set_producer_id("feedback");
    request.set_sequence(sequence);
    for (const v1::FeedbackItem& item : items) *request.add_items() = item;
    return request;
  }

  static v1::PredictRequest Prediction(int rows, const std::string& model = "ads") {
    v1::PredictRequest request;
    request.set_model("models/" + model);
    AddRows(rows, *request.mutable_packed());
    request.mutable_log_events()->set_wait(true);
    return request;
  }

  // Sends requests on a stream of their own, one after the other, and returns the answers.
  template <typename Request, typename Response>
  static std::vector<Response> Exchange(grpc::ClientReaderWriter<Request, Response>& stream,
                                        const std::vector<Request>& requests,
                                        grpc::Status& status) {
    std::vector<Response> responses;
    Response response;
    for (const Request& request : requests) {
      if (!stream.Write(request) || !stream.Read(&response)) break;
      responses.push_back(response);
    }
    stream.WritesDone();
    while (stream.Read(&response)) responses.push_back(response);
    status = stream.Finish();
    return responses;
  }

  std::vector<v1::LearnResponse> Learn(const std::vector<v1::LearnRequest>& requests,
                                       grpc::Status& status) {
    grpc::ClientContext context;
    return Exchange(*learning_->Learn(&context), requests, status);
  }
  std::vector<v1::FeedbackResponse> Give(const std::vector<v1::FeedbackRequest>& requests,
                                         grpc::Status& status) {
    grpc::ClientContext context;
    return Exchange(*learning_->Feedback(&context), requests, status);
  }

  grpc::Status Predict(const v1::PredictRequest& request, v1::PredictResponse& response) {
    grpc::ClientContext context;
    return learning_->Predict(&context, request, &response);
  }

  grpc::Status Get(const std::string& id, v1::Event& event, const std::string& model = "ads") {
    v1::GetEventRequest request;
    request.set_parent("models/" + model);
    request.set_event_id(id);
    v1::GetEventResponse response;
    grpc::ClientContext context;
    grpc::Status status = events_->GetEvent(&context, request, &response);
    event = response.event();
    return status;
  }

  // The event of this id, once the model knows it.
  v1::Event Await(const std::string& id) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    v1::Event event;
    grpc::Status status = Get(id, event);
    while (status.error_code() == grpc::StatusCode::NOT_FOUND && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(1));
      status = Get(id, event);
    }
    EXPECT_TRUE(status.ok()) << id << ": " << status.error_message();
    return event;
  }

  std::unique_ptr<v1::LearningService::Stub> learning_;
  std::unique_ptr<v1::EventService::Stub> events_;
};

TEST_F(EventStreamTest, AModelWithoutALabelRuleRefusesThem) {
  grpc::Status status;
  v1::LearnRequest labelled = Events(2, {"a"}, "plain");
  labelled.clear_event_ids();
  labelled.mutable_packed()->add_labels(1);
  const auto learned = Learn({Events(1, {"a"}, "plain"), labelled}, status);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(learned.size(), 2U);
  EXPECT_EQ(learned[0].error().code(), kPrecondition);
  EXPECT_FALSE(learned[1].has_error()) << learned[1].error().message();

  EXPECT_TRUE(Give({Feedback(1, {Click("a")}, "plain")}, status).empty());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  v1::PredictResponse predicted;
  EXPECT_EQ(Predict(Prediction(1, "plain"), predicted).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  v1::Event event;
  EXPECT_EQ(Get("a", event, "plain").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(EventStreamTest, EventsArePushedLikeBatches) {
  v1::LearnRequest timed = Events(3, {"x", "y"});
  timed.add_event_times_ms(1'700'000'000'000);
  timed.add_event_times_ms(1'700'000'000'001);
  v1::LearnRequest no_ids = Events(4, {"z"});
  no_ids.clear_event_ids();
  no_ids.add_event_times_ms(1);
  no_ids.mutable_packed()->add_labels(1);
  v1::LearnRequest few_ids = Events(4, {"z", "z2"});
  few_ids.mutable_event_ids()->RemoveLast();
  grpc::Status status;
  const auto responses =
      Learn({Events(1, {"a", "b"}), Events(1, {"a", "b"}), Events(2, {"c", std::string(129, 'c')}),
             Events(2, {"c"}), timed, no_ids, few_ids},
            status);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(responses.size(), 7U);
  EXPECT_FALSE(responses[0].has_error()) << responses[0].error().message();
  EXPECT_TRUE(responses[1].duplicate());
  EXPECT_EQ(responses[2].error().code(), kInvalid);
  ASSERT_EQ(responses[2].error().rows_size(), 1);
  EXPECT_EQ(responses[2].error().rows(0).row(), 1U);
  EXPECT_EQ(responses[2].error().rows(0).field(), "event_ids");
  EXPECT_FALSE(responses[3].has_error()) << "a refused batch uses up no sequence";
  EXPECT_FALSE(responses[4].has_error()) << responses[4].error().message();
  EXPECT_THAT(responses[5].error().message(), HasSubstr("event_times_ms and no event_ids"));
  EXPECT_THAT(responses[6].error().message(), HasSubstr("2 rows, 1 event_ids"));

  const v1::Event event = Await("y");
  EXPECT_EQ(event.state(), v1::EVENT_STATE_PENDING);
  EXPECT_EQ(event.time_ms(), 1'700'000'000'001);
  EXPECT_EQ(event.row(), 1U);
  EXPECT_FALSE(event.has_served_score());
}

TEST_F(EventStreamTest, MalformedFeedbackIsRefusedByItself) {
  grpc::Status status;
  Learn({Events(1, {"a", "b"})}, status);
  Await("b");
  std::vector<v1::FeedbackItem> items = {Click("a"), Click(""), Click("b")};
  items[2].set_value(std::numeric_limits<float>::quiet_NaN());
  const auto responses =
      Give({Feedback(1, items), Feedback(1, items), Feedback(2, {Click(""), Click("")}),
            Feedback(2, {}), Feedback(2, std::vector<v1::FeedbackItem>(101, Click("a"))),
            Feedback(2, {Click("b")}), Feedback(9, {Click("b")}, "plain")},
           status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("a stream belongs to one model"));
  ASSERT_EQ(responses.size(), 6U);
  EXPECT_FALSE(responses[0].has_error()) << responses[0].error().message();
  EXPECT_EQ(responses[0].refused_count(), 2U);
  ASSERT_EQ(responses[0].refused_items_size(), 2);
  EXPECT_EQ(responses[0].refused_items(0).row(), 1U);
  EXPECT_EQ(responses[0].refused_items(0).field(), "event_id");
  EXPECT_EQ(responses[0].refused_items(1).row(), 2U);
  EXPECT_EQ(responses[0].refused_items(1).field(), "value");
  EXPECT_TRUE(responses[1].duplicate());
  EXPECT_EQ(responses[2].error().code(), kInvalid);
  EXPECT_THAT(responses[2].error().message(), HasSubstr("item 0: event_id"));
  EXPECT_EQ(responses[3].error().code(), kInvalid);
  EXPECT_EQ(responses[4].error().code(), kExhausted);
  EXPECT_THAT(responses[4].error().message(), HasSubstr("limits.max_batch_examples"));
  EXPECT_FALSE(responses[5].has_error()) << responses[5].error().message();
  EXPECT_EQ(responses[5].refused_count(), 0U);
}

TEST_F(EventStreamTest, APredictionLogsItsRowsAsTheyWereScored) {
  v1::PredictRequest request = Prediction(4);
  v1::LogEvents& log = *request.mutable_log_events();
  log.add_rows(1);
  log.add_rows(3);
  log.add_event_ids("one");
  log.add_event_ids("three");
  v1::PredictResponse response;
  grpc::Status status = Predict(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.predictions_size(), 4);
  EXPECT_EQ(response.dropped_event_count(), 0U);
  EXPECT_THAT(response.event_ids(), ElementsAre("one", "three"));
  const v1::Event event = Await("three");
  EXPECT_EQ(event.row(), 1U);
  EXPECT_EQ(event.served_score(), response.scores(3));
  EXPECT_EQ(event.served_prediction(), response.predictions(3));

  log.Clear();  // All rows, without waiting, and ids at random.
  status = Predict(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.event_ids_size(), 4);
  EXPECT_EQ(response.event_ids(0).size(), 26U);
  EXPECT_EQ(Await(response.event_ids(2)).served_score(), response.scores(2));

  log.add_rows(2);
  log.add_rows(4);
  status = Predict(request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("log_events.rows[1] is 4"));
}

// A large call is answered by other threads than a small one.
TEST_F(EventStreamTest, ALargePredictionIsLoggedToo) {
  v1::PredictRequest request;
  request.set_model("models/ads");
  for (int i = 0; i < 100; ++i) {
    v1::Namespace& features = *request.mutable_examples()->add_examples()->add_namespaces();
    for (int j = 0; j < 200; ++j) features.add_features()->set_name(StrCat("f", i, "_", j));
  }
  request.mutable_log_events();
  ASSERT_GT(request.ByteSizeLong(), 65'536U);
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.event_ids_size(), 100);
  EXPECT_EQ(Await(response.event_ids(99)).served_score(), response.scores(99));
}

TEST_F(EventStreamTest, WhatWasAnsweredIsLoggedBeforeTheServerStops) {
  v1::PredictRequest request = Prediction(1);
  request.mutable_log_events()->set_wait(false);
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    v1::PredictResponse response;
    ASSERT_TRUE(Predict(request, response).ok());
    ASSERT_EQ(response.dropped_event_count(), 0U);
    ids.push_back(response.event_ids(0));
  }
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait().code, 0);
  ASSERT_NO_FATAL_FAILURE(Start());
  events_ = v1::EventService::NewStub(client_->channel());
  for (const std::string& id : ids) Await(id);
}

TEST_F(EventStreamTest, ACallerWhoIsGoneDoesNoHarm) {
  for (int i = 0; i < 50; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::microseconds(20 * i));
    v1::PredictResponse response;
    (void)learning_->Predict(&context, Prediction(50), &response);
    grpc::ClientContext cancelled;
    const auto stream = learning_->Feedback(&cancelled);
    stream->Write(Feedback(static_cast<uint64_t>(i) + 1, {Click("a")}));
    cancelled.TryCancel();
    EXPECT_FALSE(stream->Finish().ok());
  }
  ExpectHealthy("plain");
}

TEST_F(EventStreamTest, TheSameOverHttp) {
  httplib::Client http("http://" + server_->http_address());
  const auto post = [&](const std::string& path, const std::string& body, const char* type) {
    const auto answer = http.Post(path, body, type);
    EXPECT_TRUE(answer);
    return answer ? StrCat(answer->status, " ", answer->body) : "";
  };
  constexpr const char* kLines = "application/x-ndjson";
  const std::string learn =
      R"({"producerId":"web","sequence":"1","eventIds":["a/b %"],"examples":{"examples":[{}]}})";
  EXPECT_THAT(post("/v1/models/ads:learn", learn, "application/json"),
              StartsWith(R"(200 {"acknowledgedCount":1,)"));
  EXPECT_THAT(post("/v1/models/ads:learn", learn, "application/json"),
              HasSubstr(R"("duplicate":true)"));
  EXPECT_EQ(Await("a/b %").state(), v1::EVENT_STATE_PENDING);
  const auto got = http.Get("/v1/models/ads/events/a%2Fb%20%25");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 200) << got->body;
  EXPECT_THAT(got->body, HasSubstr(R"("eventId":"a/b %")"));
  EXPECT_EQ(http.Get("/v1/models/ads/events/other")->status, 404);
  const auto listed = http.Get("/v1/models/ads/events?state=PENDING&pageSize=10");
  EXPECT_THAT(listed->body, HasSubstr(R"("eventId":"a/b %")"));
  EXPECT_EQ(http.Get("/v1/models/ads/events?state=lost")->status, 400);

  const std::string feedback =
      "{\"event_id\":\"a/b %\",\"name\":\"click\"}\nnothing\n{\"name\":\"click\"}\n";
  EXPECT_THAT(post("/v1/models/ads:feedback", feedback, kLines),
              AllOf(StartsWith(R"(200 {"acknowledgedCount":1,)"), HasSubstr(R"("refusedCount":2)"),
                    HasSubstr("not a freshet.v1.FeedbackItem")));
  EXPECT_THAT(
      post("/v1/models/ads:feedback?producerId=web-f&sequence=1",
           R"({"items":[{"eventId":"a/b %","name":"click","value":2}]})", "application/json"),
      StartsWith(R"(200 {"acknowledgedCount":1,)"));
  EXPECT_THAT(post("/v1/models/ads:feedback", "nothing", kLines),
              AllOf(StartsWith("400 "), HasSubstr("not a freshet.v1.FeedbackItem")));
  EXPECT_THAT(post("/v1/models/plain:feedback", feedback, kLines), StartsWith("400 "));

  EXPECT_THAT(post("/v1/models/ads:predict?logEvents.wait=true", "{}", kLines),
              AllOf(StartsWith("200 "), HasSubstr(R"("eventIds":["0)")));
  EXPECT_THAT(post("/v1/models/ads:predict",
                   R"({"examples":{"examples":[{}]},"logEvents":{"eventIds":["p"],"wait":true}})",
                   "application/json"),
              HasSubstr(R"("eventIds":["p"])"));
  EXPECT_TRUE(Await("p").has_served_score());
}

}  // namespace
}  // namespace freshet
