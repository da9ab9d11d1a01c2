#include "server/http/json_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/stats_service.pb.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(JsonRequestTest, FieldsAreSetByEitherName) {
  v1::LearnRequest learn;
  EXPECT_TRUE(SetField(learn, "producer_id", "p1").ok());
  EXPECT_TRUE(SetField(learn, "sequence", "18446744073709551615").ok());
  EXPECT_TRUE(SetField(learn, "returnPredictions", "true").ok());
  EXPECT_EQ(learn.producer_id(), "p1");
  EXPECT_EQ(learn.sequence(), ~uint64_t{0});
  EXPECT_TRUE(learn.return_predictions());
  v1::UpdateModelRequest update;
  EXPECT_TRUE(SetField(update, "model.name", "models/ctr").ok());
  EXPECT_TRUE(SetField(update, "updateMask", "durability,log_retention.max_bytes").ok());
  EXPECT_EQ(update.model().name(), "models/ctr");
  EXPECT_THAT(update.update_mask().paths(), ElementsAre("durability", "log_retention.max_bytes"));
}

// JSON's names used to be refused in a mask.
TEST(JsonRequestTest, AFieldMaskTakesTheNamesOfTheProtoAndOfJson) {
  v1::UpdateModelRequest update;
  EXPECT_TRUE(SetField(update, "updateMask",
                       "logRetention.maxBytes, log_retention.maxAgeS,log_retention,logRetention")
                  .ok());
  EXPECT_THAT(update.update_mask().paths(),
              ElementsAre("log_retention.max_bytes", "log_retention.max_age_s", "log_retention",
                          "log_retention"));
  // What is no name stays as it is, so that the error about it shows what was sent.
  v1::UpdateModelRequest unknown;
  EXPECT_TRUE(SetField(unknown, "update_mask", "LOG,Durability,,").ok());
  EXPECT_THAT(unknown.update_mask().paths(), ElementsAre("LOG", "Durability"));
}

TEST(JsonRequestTest, ContentTypesIgnoreCaseAndParameters) {
  HttpRequest request;
  for (const char* type : {"Application/JSON; Charset=UTF-8", "APPLICATION/JSON;charset=utf-8",
                           " application/json ;x=y", "application/json"}) {
    request.headers["content-type"] = type;
    EXPECT_TRUE(IsJson(request)) << type;
    EXPECT_FALSE(IsJsonLines(request)) << type;
  }
  for (const char* type : {"Application/X-NDJSON; Charset=UTF-8", "APPLICATION/JSONL"}) {
    request.headers["content-type"] = type;
    EXPECT_TRUE(IsJsonLines(request)) << type;
  }
  for (const char* type : {"", "text/plain", "application/jsonx", "application/json, text/plain"}) {
    request.headers["content-type"] = type;
    EXPECT_FALSE(IsJson(request)) << type;
  }
}

TEST(JsonRequestTest, WhatIsNoFieldOrNoValueIsNamed) {
  v1::ListTopWeightsRequest weights;
  for (const char* name : {"limits", "", "limit.x", "name.x", "LIMIT"}) {
    const absl::Status status = SetField(weights, name, "5");
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name << status;
  }
  EXPECT_THAT(Message(SetField(weights, "limits", "5")),
              AllOf(HasSubstr("\"limits\""), HasSubstr("are name, limit")));
  for (const char* value : {"-1", "x", "", "4294967296", "1.5"}) {
    EXPECT_THAT(Message(SetField(weights, "limit", value)), HasSubstr("limit is not a uint32"));
  }
  EXPECT_FALSE(SetField(weights, "name", "models/\xff").ok());
  v1::LearnRequest learn;
  EXPECT_FALSE(SetField(learn, "examples", "x").ok());
  EXPECT_FALSE(SetField(learn, "packed.labels", "1").ok());
}

TEST(JsonRequestTest, LinesAreExamplesAndBlankOnesAreNone) {
  v1::ExampleList examples;
  v1::BatchError error;
  ASSERT_TRUE(
      ReadExampleLines("{\"label\":1}\r\n\n  \n{\"label\":-1,\"weight\":2}", 2, examples, error))
      << error.message();
  ASSERT_EQ(examples.examples_size(), 2);
  EXPECT_EQ(examples.examples(0).label(), 1);
  EXPECT_EQ(examples.examples(1).weight(), 2);
}

TEST(JsonRequestTest, BadLinesAreNamedByRowAndCounted) {
  v1::ExampleList examples;
  v1::BatchError error;
  std::string lines = "{\"label\":1}\n\n{\"label\":}\n{\"lable\":1}\n";
  for (int i = 0; i < 100; ++i) lines += "nonsense\n";
  ASSERT_FALSE(ReadExampleLines(lines, 1000, examples, error));
  EXPECT_EQ(error.code(), 3);
  EXPECT_EQ(error.bad_row_count(), 102U);
  ASSERT_EQ(error.rows_size(), 16);
  EXPECT_EQ(error.rows(0).row(), 1U);
  EXPECT_EQ(error.rows(1).row(), 2U);
  EXPECT_THAT(error.rows(1).reason(), HasSubstr("lable"));
  EXPECT_EQ(error.message().find('\n'), std::string::npos) << error.message();
}

TEST(JsonRequestTest, MoreLinesThanABatchHoldsAreRefusedBeforeTheyAreRead) {
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "{}\n";
  v1::ExampleList examples;
  v1::BatchError error;
  ASSERT_FALSE(ReadExampleLines(lines, 10, examples, error));
  EXPECT_EQ(error.code(), 8);
  EXPECT_EQ(examples.examples_size(), 10);
}

TEST(JsonRequestTest, HostileJsonIsRefused) {
  const std::string deep = std::string(100'000, '[');
  const std::string objects = [] {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += R"({"namespaces":[)";
    return text;
  }();
  for (const std::string& line :
       {deep, objects, std::string(R"({"label":1e999})"), std::string("{\"label\":\"\xff\"}"),
        std::string("\0", 1), std::string(R"({"label":1}})")}) {
    v1::ExampleList examples;
    v1::BatchError error;
    EXPECT_FALSE(ReadExampleLines(line, 10, examples, error)) << line.substr(0, 20);
  }
}

// A row whose namespaces were in one list too many used to be learned without its features.
TEST(JsonRequestTest, AListWithinAListAndANullInAListAreNamedByPath) {
  struct Case {
    std::string line;
    std::string reason;
  };
  for (
      const Case& bad :
      {Case{R"({"label":3,"namespaces":[[{"name":"u","features":[{"name":"ann"}]}]]})",
            "namespaces[0] is a list within a list"},
       Case{
           R"({"namespaces":[{"name":"a,[["},{"name":"u","features" : [ {"name":"x\"],[" }, [ 1]]}]})",
           "namespaces[1].features[1] is a list within a list"},
       Case{R"({'namespaces':[{features:[[]]}]})",
            "namespaces[0].features[0] is a list within a list"},
       Case{R"({"label":1,"namespaces":[{"name":"u"},null]})", "namespaces[1] is null"}}) {
    v1::ExampleList examples;
    v1::BatchError error;
    EXPECT_FALSE(ReadExampleLines("{\"label\":1}\n" + bad.line, 10, examples, error));
    ASSERT_EQ(error.rows_size(), 1) << bad.line;
    EXPECT_EQ(error.rows(0).row(), 1U);
    EXPECT_THAT(error.rows(0).reason(), StartsWith(bad.reason));
  }
  v1::ExampleList examples;
  v1::BatchError error;
  EXPECT_TRUE(ReadExampleLines(
      R"({"label":1,"weight":null,"namespaces":[{"name":"[[","features":[{"name":"]","value":null}]}]})",
      10, examples, error))
      << error.message();
  HttpRequest request;
  request.body = R"({"packed":{"labels":[[1]],"namespaces":["u"],"segmentSizes":[0]}})";
  v1::LearnRequest message;
  EXPECT_THAT(Message(ReadRequest(MatchRoute("POST", "/v1/models/ctr:learn"), request, message)),
              StartsWith("packed.labels[0] is a list within a list"));
}

TEST(JsonRequestTest, ThePathWinsOverTheBody) {
  const ApiMatch match = MatchRoute("POST", "/v1/models/ctr:predict");
  HttpRequest request;
  request.body = R"({"model":"models/other","examples":{"examples":[{}]}})";
  v1::PredictRequest message;
  ASSERT_TRUE(ReadRequest(match, request, message).ok());
  EXPECT_EQ(message.model(), "models/ctr");
  EXPECT_EQ(message.examples().examples_size(), 1);
}

TEST(JsonRequestTest, TheIdOfAnEventIsWhatWasEncoded) {
  HttpRequest request;
  v1::GetEventRequest message;
  const auto read = [&](const std::string& path) {
    return ReadRequest(MatchRoute("GET", path), request, message);
  };
  ASSERT_TRUE(read("/v1/models/ctr/events/a%2Fb:c%252F \xc3\xa4").ok());
  EXPECT_EQ(message.parent(), "models/ctr");
  EXPECT_EQ(message.event_id(), "a/b:c%2F \xc3\xa4");
  EXPECT_THAT(Message(read("/v1/models/ctr/events/\xff")), HasSubstr("event_id, is not UTF-8"));
}

TEST(JsonRequestTest, AStateIsNamedWithOrWithoutItsPrefix) {
  v1::ListEventsRequest list;
  EXPECT_TRUE(SetField(list, "state", "PENDING").ok());
  EXPECT_EQ(list.state(), v1::EVENT_STATE_PENDING);
  EXPECT_TRUE(SetField(list, "state", "EVENT_STATE_LATE").ok());
  EXPECT_EQ(list.state(), v1::EVENT_STATE_LATE);
  for (const char* other : {"pending", "", "7", "STATE_LATE"}) {
    EXPECT_THAT(Message(SetField(list, "state", other)), HasSubstr("state is not a")) << other;
  }
}

TEST(JsonRequestTest, FeedbackIsReadLineByLine) {
  const std::string lines =
      "{\"event_id\":\"a\",\"name\":\"click\",\"value\":2}\r\n"
      "\n"
      "{\"eventId\":\"b\",\"withdraw\":true,\"feedbackId\":\"f\"}\n"
      "{\"event_id\":\"c\",\"value\":\"much\"}\n"
      "click\n"
      "{\"event_id\":\"d\",\"time_ms\":\"5\"}";
  v1::FeedbackRequest request;
  BadLines bad;
  v1::BatchError error;
  ASSERT_TRUE(ReadFeedbackLines(lines, 5, request, bad, error)) << error.message();
  ASSERT_EQ(request.items_size(), 5);
  EXPECT_EQ(request.items(0).event_id(), "a");
  EXPECT_EQ(request.items(0).name(), "click");
  EXPECT_EQ(request.items(0).value(), 2);
  EXPECT_FALSE(request.items(1).has_value());
  EXPECT_TRUE(request.items(1).withdraw());
  // What is malformed does no harm to the rest.
  EXPECT_EQ(request.items(2).ByteSizeLong(), 0U);
  EXPECT_EQ(request.items(3).ByteSizeLong(), 0U);
  EXPECT_EQ(request.items(4).time_ms(), 5);
  ASSERT_EQ(bad.size(), 2U);
  EXPECT_THAT(bad.at(2), HasSubstr("not a freshet.v1.FeedbackItem"));
  EXPECT_THAT(bad.at(3), HasSubstr("not a freshet.v1.FeedbackItem"));
  request.Clear();
  EXPECT_FALSE(ReadFeedbackLines(lines, 4, request, bad, error));
  EXPECT_EQ(error.code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
}

TEST(JsonRequestTest, ABodyCanBeOneField) {
  const ApiMatch match = MatchRoute("PATCH", "/v1/models/ctr");
  HttpRequest request;
  request.body = R"({"durability":"DURABILITY_OS"})";
  request.query.emplace("updateMask", "durability");
  v1::UpdateModelRequest message;
  ASSERT_TRUE(ReadRequest(match, request, message).ok());
  EXPECT_EQ(message.model().name(), "models/ctr");
  EXPECT_EQ(message.model().durability(), v1::DURABILITY_OS);
  EXPECT_THAT(message.update_mask().paths(), ElementsAre("durability"));
}

}  // namespace
}  // namespace freshet
