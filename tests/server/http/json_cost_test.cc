#include "server/http/json_cost.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"

namespace freshet {
namespace {

std::string Repeat(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += StrCat(i == 0 ? "" : ",", text);
  return all;
}

// The memory that a text, its message and the serialized message take together.
template <typename Message>
size_t BytesOf(const std::string& json) {
  google::protobuf::Arena arena;
  auto* const message = google::protobuf::Arena::CreateMessage<Message>(&arena);
  const auto status = google::protobuf::util::JsonStringToMessage(json, message);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return json.size() + arena.SpaceAllocated() + message->ByteSizeLong();
}

size_t CostOf(std::string_view json, size_t step = SIZE_MAX) {
  JsonCost cost;
  for (; !json.empty(); json.remove_prefix(std::min(step, json.size()))) {
    cost.Add(json.substr(0, step));
  }
  return cost.bytes();
}

template <typename Message>
void ExpectCovered(const std::string& json) {
  const size_t cost = CostOf(json);
  EXPECT_GE(cost, BytesOf<Message>(json)) << json.substr(0, 100);
  EXPECT_EQ(CostOf(json, 7), cost);
}

TEST(JsonCostTest, IsAtLeastWhatTheMessagesTake) {
  constexpr int kCount = 50'000;
  const auto in_list = [](const std::string& examples) {
    return R"({"examples":{"examples":[)" + examples + "]}}";
  };
  const auto in_packed = [](const std::string& fields) { return R"({"packed":{)" + fields + "}}"; };
  ExpectCovered<v1::LearnRequest>(in_list(Repeat("{}", kCount)));
  ExpectCovered<v1::LearnRequest>(in_list(Repeat(R"({"weight":1})", kCount)));
  ExpectCovered<v1::LearnRequest>(in_list(R"({"namespaces":[)" + Repeat("{}", kCount) + "]}"));
  ExpectCovered<v1::LearnRequest>(
      in_list(R"({"namespaces":[{"features":[)" + Repeat("{}", kCount) + "]}]}"));
  ExpectCovered<v1::LearnRequest>(
      in_list(R"({"namespaces":[{"features":[)" + Repeat(R"({"name":""})", kCount) + "]}]}"));
  ExpectCovered<v1::LearnRequest>(in_list(R"({"namespaces":[{"features":[)" +
                                          Repeat(R"({"name":"x","value":1})", kCount) + "]}]}"));
  ExpectCovered<v1::LearnRequest>(
      in_list(R"({"namespaces":[{"features":[)" +
              Repeat(R"({"name":"a name of more letters than fit"})", kCount) + "]}]}"));
  ExpectCovered<v1::LearnRequest>(in_packed(R"("namespaces":[)" + Repeat(R"("")", kCount) + "]"));
  ExpectCovered<v1::LearnRequest>(in_packed(R"("labels":[)" + Repeat("1", kCount) + "]"));
  ExpectCovered<v1::LearnRequest>(in_packed(R"("featureIds":[)" + Repeat("1", kCount) + "]"));
  ExpectCovered<v1::LearnRequest>(in_packed(R"("names":[)" + Repeat("{}", kCount) + "]"));
  ExpectCovered<v1::CreateModelRequest>(R"({"model":{"variants":[)" + Repeat("{}", kCount) + "]}}");
  ExpectCovered<v1::CreateModelRequest>(
      R"({"model":{"variants":[{"learner":{"features":{"interactions":[{"namespaces":[)" +
      Repeat(R"("a")", kCount) + "]}]}}}]}}");
}

// Otherwise usual batches would be refused.
TEST(JsonCostTest, IsNotManyTimesWhatUsualRowsTake) {
  const std::string row =
      R"({"label":1,"namespaces":[{"name":"user","features":[{"name":"u12345"},{"name":"age",)"
      R"("value":31}]},{"name":"ad","features":[{"name":"a987"},{"name":"shoes"}]}]})";
  const std::string json = R"({"examples":{"examples":[)" + Repeat(row, 10'000) + "]}}";
  EXPECT_LT(CostOf(json), 2 * BytesOf<v1::LearnRequest>(json));
}

TEST(JsonCostTest, SeesNoMessagesInStrings) {
  const size_t plain = CostOf(R"(["aaaaaaaaaa"])");
  EXPECT_EQ(CostOf(R"(["{,:\"{,:{,"])"), plain);
}

// A quote of the other kind within a string hid all that followed.
TEST(JsonCostTest, TakesBothKindsOfQuotesAsProtobufDoes) {
  constexpr int kCount = 50'000;
  const std::string hidden = R"({'model':'"','examples':{'examples':[)";
  ExpectCovered<v1::LearnRequest>(hidden + Repeat("{}", kCount) + "]}}");
  ExpectCovered<v1::LearnRequest>(R"({"model":"'","examples":{"examples":[)" +
                                  Repeat("{}", kCount) + "]}}");
}

}  // namespace
}  // namespace freshet
