// JSON over HTTP on a real server, as curl would use it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "client/example.h"
#include "core/base/str_cat.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kJson[] = "application/json";
constexpr char kLines[] = "application/x-ndjson";

class JsonTest : public testing::Test {
 protected:
  void SetUp() override { Start(); }

  void Start(std::vector<std::string> flags = {}) {
    auto server = ServerProcess::Start(folder_.path(), std::move(flags));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    http_ = std::make_unique<httplib::Client>("http://" + server_->http_address());
    http_->set_read_timeout(std::chrono::minutes(1));
  }

  // The body of the answer, which must have this status.
  static std::string Body(const httplib::Result& answer, int status = 200) {
    if (!answer) {
      ADD_FAILURE() << "no answer: " << httplib::to_string(answer.error());
      return "";
    }
    EXPECT_EQ(answer->status, status) << answer->body;
    EXPECT_THAT(answer->get_header_value("Content-Type"), StartsWith("application/json"));
    return answer->body;
  }

  std::string Get(const std::string& path, int status = 200) {
    return Body(http_->Get(path), status);
  }
  std::string Post(const std::string& path, const std::string& body, int status = 200,
                   const char* type = kJson) {
    return Body(http_->Post(path, body, type), status);
  }

  void CreateModel(const std::string& id) {
    Post("/v1/models",
         R"({"modelId":")" + id +
             R"(","model":{"variants":[{"learner":{"loss":"LOSS_LOGISTIC","bits":12}}]}})");
  }

  // `count` examples, one per line.
  static std::string Lines(int count, const std::string& label = "1") {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      lines +=
          StrCat(R"({"label":)", label, R"(,"namespaces":[{"name":"user","features":[{"name":"u)",
                 i % 7, "\"}]}]}\n");
    }
    return lines;
  }

  TemporaryFolder folder_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<httplib::Client> http_;
};

TEST_F(JsonTest, ModelsAreCreatedListedAndDeleted) {
  EXPECT_EQ(Get("/v1/models"), "{\"models\":[],\"nextPageToken\":\"\"}\n");
  CreateModel("a");
  CreateModel("b");
  const std::string again =
      R"({"modelId":"a","model":{"variants":[{"learner":{"loss":"LOSS_SQUARED"}}]}})";
  const std::string conflict = Post("/v1/models", again, 409);
  EXPECT_THAT(conflict,
              StartsWith(R"({"code":6,"status":"ALREADY_EXISTS","message":"model \"a\")"));
  const std::string page = Get("/v1/models?pageSize=1");
  EXPECT_THAT(page, HasSubstr(R"("nextPageToken":"a")"));
  EXPECT_THAT(Get("/v1/models?page_token=a"), HasSubstr(R"("name":"models/b")"));
  EXPECT_THAT(Get("/v1/models/b"), HasSubstr(R"("loss":"LOSS_LOGISTIC")"));
  EXPECT_EQ(Body(http_->Delete("/v1/models/a")), "{}\n");
  EXPECT_THAT(Get("/v1/models/a", 404), HasSubstr(R"("status":"NOT_FOUND")"));
  EXPECT_EQ(http_->Head("/v1/models/b")->status, 200);
}

TEST_F(JsonTest, LinesAreLearnedAndPredicted) {
  CreateModel("ctr");
  for (int i = 0; i < 20; ++i) {
    const std::string answer = Post("/v1/models/ctr:learn", Lines(50), 200, kLines);
    EXPECT_THAT(answer, StartsWith(R"({"acknowledgedCount":50,)"));
    EXPECT_THAT(answer, HasSubstr(StrCat(R"("offset":")", i + 1, "\"")));
    EXPECT_THAT(answer, HasSubstr(R"("duplicate":false)"));
  }
  EXPECT_THAT(Get("/v1/models/ctr"), HasSubstr(R"("exampleCount":"1000")"));
  // The same numbers as over gRPC.
  const auto client = *Client::Connect({.server = server_->address()});
  Example example;
  example.Add("user", "u1");
  const auto predicted = client->Predict("ctr", example);
  ASSERT_TRUE(predicted.ok());
  const std::string json = R"({"examples":{"examples":[{"namespaces":[{"name":"user","features":)"
                           R"([{"name":"u1"}]}]}]}})";
  const std::string answer = Post("/v1/models/ctr:predict", json);
  const size_t begin = answer.find('[') + 1;
  EXPECT_NEAR(std::stod(answer.substr(begin)), predicted->prediction, 1e-6);
  EXPECT_GT(predicted->prediction, 0.9);
  EXPECT_THAT(answer, HasSubstr(R"("offset":"20")"));
  EXPECT_THAT(Post("/v1/models/ctr:predict", Lines(3), 200, kLines), HasSubstr(R"("offset":"20")"));
}

TEST_F(JsonTest, ABatchWithAProducerAndASequenceIsLearnedOnce) {
  CreateModel("ctr");
  const std::string path = "/v1/models/ctr:learn?producer_id=web&sequence=";
  EXPECT_THAT(Post(path + "1", Lines(5), 200, kLines), HasSubstr(R"("duplicate":false)"));
  EXPECT_THAT(Post(path + "1", Lines(5), 200, kLines), HasSubstr(R"("duplicate":true)"));
  const std::string request = R"({"producerId":"web","sequence":2,"returnPredictions":true,)"
                              R"("examples":{"examples":[{"label":1},{"label":0}]}})";
  EXPECT_THAT(Post("/v1/models/ctr:learn", request), HasSubstr(R"("acknowledgedCount":2)"));
  EXPECT_THAT(Post("/v1/models/ctr:learn", request), HasSubstr(R"("duplicate":true)"));
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(Post(path + "2", Lines(5), 200, kLines), HasSubstr(R"("duplicate":true)"));
  EXPECT_THAT(Get("/v1/models/ctr"), HasSubstr(R"("exampleCount":"7")"));
  EXPECT_THAT(Post("/v1/models/ctr:learn?sequence=3", Lines(5), 400, kLines),
              HasSubstr("producer_id must be"));
}

TEST_F(JsonTest, BadRowsAreNamedAndNothingOfThemIsLearned) {
  CreateModel("ctr");
  const std::string label = Post("/v1/models/ctr:learn", Lines(2) + Lines(2, "7"), 400, kLines);
  EXPECT_THAT(label,
              StartsWith(R"({"code":3,"status":"INVALID_ARGUMENT","message":"row 2: label)"));
  EXPECT_THAT(label, HasSubstr(R"("rows":[{"row":2,"field":"label","reason":"is 7)"));
  EXPECT_THAT(label, HasSubstr(R"("badRowCount":2)"));
  const std::string line = Post("/v1/models/ctr:learn", Lines(3) + "{\"lable\":1}", 400, kLines);
  EXPECT_THAT(line, HasSubstr(R"("rows":[{"row":3,"field":"example","reason":)"));
  EXPECT_THAT(line, HasSubstr("lable"));
  const std::string unlabelled = R"({"namespaces":[{"name":"u","features":[{"name":"ann"}]}]})";
  EXPECT_THAT(Post("/v1/models/ctr:learn", Lines(2) + unlabelled, 400, kLines),
              HasSubstr(R"("rows":[{"row":2,"field":"label","reason":"is missing)"));
  EXPECT_THAT(Post("/v1/models/ctr:learn", R"({"examples":{"examples":[{}]}})", 400),
              HasSubstr(R"("rows":[{"row":0,"field":"label","reason":"is missing)"));
  const std::string packed = R"({"packed":{"namespaces":["u"],"segmentSizes":[1],"featureIds":[3])";
  for (const std::string rows : {"}}", R"(,"rowCount":1}})"}) {
    EXPECT_THAT(Post("/v1/models/ctr:learn", packed + rows, 400), HasSubstr("labels is missing"));
  }
  EXPECT_THAT(Post("/v1/models/ctr:learn", R"({"label":1,"namespaces":[[]]})", 400, kLines),
              HasSubstr(R"("reason":"namespaces[0] is a list within a list)"));
  EXPECT_THAT(Post("/v1/models/ctr:learn", "", 400, kLines), HasSubstr("send at least one"));
  EXPECT_THAT(Post("/v1/models/ctr:learn", "", 400), HasSubstr("has no batch"));
  EXPECT_THAT(Post("/v1/models/none:learn", Lines(1), 404, kLines), HasSubstr("NOT_FOUND"));
  EXPECT_THAT(Get("/v1/models/ctr"), HasSubstr(R"("exampleCount":"0")"));
  const std::string metrics = http_->Get("/metrics")->body;
  EXPECT_THAT(metrics, HasSubstr("freshet_model_bad_examples_total{model=\"ctr\"} 4\n"));
}

TEST_F(JsonTest, SnapshotsAreTakenRestoredAndDeleted) {
  CreateModel("ctr");
  Post("/v1/models/ctr:learn", Lines(5), 200, kLines);
  EXPECT_THAT(Post("/v1/models/ctr/snapshots", R"({"snapshotId":"kept"})"),
              HasSubstr(R"("name":"models/ctr/snapshots/kept","offset":"1")"));
  const std::string digest = Get("/v1/models/ctr:digest");
  EXPECT_THAT(digest, HasSubstr(R"("exampleCount":"5")"));
  Post("/v1/models/ctr:learn", Lines(5, "0"), 200, kLines);
  EXPECT_THAT(Get("/v1/models/ctr/snapshots"), HasSubstr("snapshots/kept"));
  EXPECT_THAT(Get("/v1/models/ctr/snapshots/kept"), HasSubstr("SNAPSHOT_TRIGGER_REQUEST"));
  EXPECT_THAT(Post("/v1/models/ctr/snapshots/kept:restore", ""),
              HasSubstr(R"("exampleCount":"5")"));
  const size_t at = digest.find("\"digest\"");
  EXPECT_THAT(Get("/v1/models/ctr:digest"), HasSubstr(digest.substr(at)));
  EXPECT_THAT(Post("/v1/models/ctr/snapshots/other:restore", "", 404), HasSubstr("NOT_FOUND"));
  // Another snapshot of the model after the restore, so that recovery does not need the restored
  // one.
  Post("/v1/models/ctr/snapshots", "{}");
  EXPECT_THAT(Body(http_->Delete("/v1/models/ctr/snapshots/nothing"), 404), HasSubstr("NOT_FOUND"));
}

// HTTP compares media types without regard to case, and they may have parameters.
TEST_F(JsonTest, ContentTypesMayHaveCapitalsAndParameters) {
  CreateModel("ctr");
  const char* const capitals = "Application/JSON; Charset=UTF-8";
  Post("/v1/models/ctr/snapshots", R"({"snapshotId":"kept"})", 200, capitals);
  EXPECT_THAT(
      Post("/v1/models/ctr:learn", Lines(3), 200, "APPLICATION/X-NDJSON; Charset=\"utf-8\""),
      StartsWith(R"({"acknowledgedCount":3,)"));
}

TEST_F(JsonTest, AnUpdateMaskTakesTheNamesOfJsonAndOfTheProto) {
  CreateModel("ctr");
  const auto patch = [&](const std::string& mask, const std::string& model, int status = 200) {
    return Body(http_->Patch("/v1/models/ctr?updateMask=" + mask, model, kJson), status);
  };
  EXPECT_THAT(patch("logRetention.maxBytes", R"({"logRetention":{"maxBytes":"123456789"}})"),
              HasSubstr(R"("maxBytes":"123456789")"));
  EXPECT_THAT(patch("durability,log_retention.max_age_s",
                    R"({"durability":"DURABILITY_OS","logRetention":{"maxAgeS":"3600"}})"),
              AllOf(HasSubstr("DURABILITY_OS"), HasSubstr(R"("maxBytes":"123456789")"),
                    HasSubstr(R"("maxAgeS":"3600")")));
  EXPECT_THAT(patch("logRetention.maxRows", "{}", 400),
              AllOf(HasSubstr("log_retention.max_rows"), HasSubstr("log_retention.max_bytes and")));
  EXPECT_THAT(patch("durability&mask=x", "{}", 400),
              HasSubstr("UpdateModelRequest are model, updateMask"));
}

TEST_F(JsonTest, WhatIsNotAskedForRightIsRefusedWithTheReason) {
  CreateModel("ctr");
  EXPECT_THAT(Get("/v1/nothing", 404), HasSubstr(R"("status":"NOT_FOUND")"));
  EXPECT_THAT(Get("/v1/models/CTR", 400), HasSubstr("is not the name of a model"));
  EXPECT_THAT(Get("/v1/models/%ff", 400), HasSubstr("INVALID_ARGUMENT"));
  Post("/v1/models/" + std::string(7000, 'a') + ":learn", "", 404, kLines);
  EXPECT_THAT(Get("/v1/models?page=1", 400), HasSubstr(R"(no parameter \"page\")"));
  EXPECT_THAT(Post("/v1/models", "{", 400), HasSubstr("CreateModelRequest in JSON"));
  EXPECT_THAT(Post("/v1/models", R"({"modelId":5})", 400), HasSubstr("INVALID_ARGUMENT"));
  const auto put = http_->Put("/v1/models/ctr", "{}", kJson);
  EXPECT_EQ(put->status, 405);
  EXPECT_EQ(put->get_header_value("Allow"), "GET, HEAD, PATCH, DELETE");
}

TEST_F(JsonTest, OtherPeoplesPagesAreRefused) {
  CreateModel("ctr");
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}) {
    EXPECT_THAT(Post("/v1/models/ctr/snapshots", "{}", 415, type), HasSubstr("Content-Type"))
        << type;
  }
  EXPECT_EQ(http_->Post("/v1/models/ctr/snapshots")->status, 415);
  const httplib::Headers foreign = {{"Origin", "http://evil.example"}};
  EXPECT_EQ(http_->Post("/v1/models", foreign, "{}", kJson)->status, 403);
  EXPECT_EQ(http_->Delete("/v1/models/ctr", foreign)->status, 403);
  EXPECT_EQ(http_->Get("/v1/models", foreign)->status, 403);
  EXPECT_EQ(http_->Get("/v1/models", {{"Host", "evil.example:7401"}})->status, 403);
  const auto preflight = http_->Options("/v1/models", foreign);
  EXPECT_EQ(preflight->status, 403);
  EXPECT_FALSE(preflight->has_header("Access-Control-Allow-Origin"));
  const httplib::Headers own = {{"Origin", "http://" + server_->http_address()}};
  EXPECT_EQ(http_->Get("/v1/models", own)->status, 200);
}

// gRPC aborts the process if it must send such a value as metadata.
TEST_F(JsonTest, HeadersThatGrpcWouldNotCarryAreLeftOut) {
  EXPECT_EQ(http_->Get("/v1/models", {{"Authorization", "Bearer \xc3\xa9"}})->status, 200);
  for (const char* value : {"Bearer \x01", "\x7f"}) {  // HTTP does not allow these either.
    EXPECT_EQ(http_->Get("/v1/models", {{"Authorization", value}})->status, 400);
  }
  EXPECT_EQ(http_->Get("/v1/models")->status, 200);
}

// A content type without a body means nothing.
TEST_F(JsonTest, ATypeOfContentWithoutContentDoesNoHarm) {
  CreateModel("ctr");
  const httplib::Headers lines = {{"Content-Type", kLines}};
  EXPECT_EQ(http_->Get("/v1/models", lines)->status, 200);
  EXPECT_EQ(http_->Get("/v1/models/ctr", lines)->status, 200);
  EXPECT_EQ(http_->Delete("/v1/models/ctr", lines)->status, 200);
  EXPECT_EQ(http_->Get("/v1/models")->status, 200);
}

TEST_F(JsonTest, LargeBatchesAreLearnedUpToTheLimitOfABatch) {
  CreateModel("ctr");
  EXPECT_THAT(Post("/v1/models/ctr:learn", Lines(20'000), 200, kLines),
              StartsWith(R"({"acknowledgedCount":20000,)"));
  std::string lines;
  for (int i = 0; i < 65'537; ++i) lines += "{}\n";
  EXPECT_THAT(Post("/v1/models/ctr:learn", lines, 429, kLines), HasSubstr("65536 examples"));
  EXPECT_THAT(Post("/v1/models/ctr:learn", Lines(300'000), 413, kLines),
              HasSubstr("limits.max_message_bytes"));
}

TEST_F(JsonTest, ManyLearnAtATime) {
  CreateModel("ctr");
  std::vector<std::thread> clients;
  clients.reserve(6);
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&] {
      httplib::Client http("http://" + server_->http_address());
      for (int j = 0; j < 20; ++j) {
        EXPECT_THAT(Body(http.Post("/v1/models/ctr:learn", Lines(10), kLines)),
                    HasSubstr(R"("duplicate":false)"));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(Get("/v1/models/ctr"), HasSubstr(R"("exampleCount":"1200")"));
}

TEST_F(JsonTest, CallsAreCountedWithThoseOfGrpc) {
  CreateModel("ctr");
  Get("/v1/models/ctr");
  Get("/v1/models/none", 404);
  const std::string metrics = http_->Get("/metrics")->body;
  const std::string get = "freshet_rpc_requests_total{method=\"freshet.v1.ModelService/GetModel\"";
  EXPECT_THAT(metrics, HasSubstr(get + ",code=\"OK\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr(get + ",code=\"NOT_FOUND\"} 1\n"));
}

}  // namespace
}  // namespace freshet
