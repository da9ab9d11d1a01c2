#include "server/http/api_route.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/stats_service.pb.h"

namespace freshet {
namespace {

TEST(ApiRouteTest, AStarIsOnePartWithoutAVerb) {
  const auto model = [](std::string_view path) { return MatchPath("/v1/{name=models/*}", path); };
  ASSERT_TRUE(model("/v1/models/ctr"));
  EXPECT_EQ(model("/v1/models/ctr")->at(0).field, "name");
  EXPECT_EQ(model("/v1/models/ctr")->at(0).value, "models/ctr");
  for (const char* other : {"/v1/models", "/v1/models/", "/v1/models/ctr/", "/v1/models//",
                            "/v1/models/ctr/snapshots", "/v1/models/ctr:digest", "/v1/model/ctr",
                            "/v1//models/ctr", "/v1/", "/v1", "", "/v2/models/ctr"}) {
    EXPECT_FALSE(model(other)) << other;
  }
}

TEST(ApiRouteTest, WhatFollowsTheFieldIsMatchedToo) {
  const auto digest = MatchPath("/v1/{name=models/*}:digest", "/v1/models/ctr:digest");
  ASSERT_TRUE(digest);
  EXPECT_EQ(digest->at(0).value, "models/ctr");
  EXPECT_FALSE(MatchPath("/v1/{name=models/*}:digest", "/v1/models/:digest"));
  EXPECT_FALSE(MatchPath("/v1/{name=models/*}:digest", "/v1/models/ctr:digests"));
  const auto snapshots = MatchPath("/v1/{parent=models/*}/snapshots", "/v1/models/ctr/snapshots");
  ASSERT_TRUE(snapshots);
  EXPECT_EQ(snapshots->at(0).field, "parent");
  EXPECT_EQ(snapshots->at(0).value, "models/ctr");
}

TEST(ApiRouteTest, TheLastPartMayBeAnyText) {
  const std::string_view path_template = "/v1/{parent=models/*}/events/{event_id=*}";
  const auto event = MatchPath(path_template, "/v1/models/ctr/events/a:b%2Fc");
  ASSERT_TRUE(event);
  ASSERT_EQ(event->size(), 2U);
  EXPECT_EQ(event->at(0).field, "parent");
  EXPECT_EQ(event->at(0).value, "models/ctr");
  EXPECT_FALSE(event->at(0).any_text);
  EXPECT_EQ(event->at(1).field, "event_id");
  EXPECT_EQ(event->at(1).value, "a:b%2Fc");
  EXPECT_TRUE(event->at(1).any_text);
  for (const char* other : {"/v1/models/ctr/events", "/v1/models/ctr/events/", "/v1/events/a",
                            "/v1/models/ctr/events/a/b", "/v1/models/ctr/event/a", "a", ""}) {
    EXPECT_FALSE(MatchPath(path_template, other)) << other;
  }
}

TEST(ApiRouteTest, APathWithOtherMethodsNamesThem) {
  EXPECT_EQ(MatchRoute("GET", "/v1/models/ctr").route->rpc, "freshet.v1.ModelService.GetModel");
  const ApiMatch put = MatchRoute("PUT", "/v1/models/ctr");
  EXPECT_EQ(put.route, nullptr);
  EXPECT_EQ(put.allowed_methods, "GET, HEAD, PATCH, DELETE");
  const ApiMatch nothing = MatchRoute("GET", "/v1/nothing");
  EXPECT_EQ(nothing.route, nullptr);
  EXPECT_EQ(nothing.allowed_methods, "");
}

// Each row must match the protos; otherwise only the first request would reveal the mistake.
TEST(ApiRouteTest, EveryRouteIsAMethodWithItsFields) {
  for (const ApiRoute& route : ApiRoutes()) {
    const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
        std::string(route.rpc));
    ASSERT_NE(method, nullptr) << route.rpc;
    const google::protobuf::Descriptor* type = method->input_type();
    if (!route.body.empty() && route.body != "*") {
      EXPECT_NE(type->FindFieldByName(std::string(route.body)), nullptr) << route.path;
    }
    const size_t open = route.path.find('{');
    if (open == std::string_view::npos) continue;
    const std::string field(route.path.substr(open + 1, route.path.find_first_of(".=") - open - 1));
    EXPECT_NE(type->FindFieldByName(field), nullptr) << route.path;
  }
}

TEST(ApiRouteTest, EveryMethodButTransfersOfFilesHasARoute) {
  std::set<std::string> routed;
  for (const ApiRoute& route : ApiRoutes()) routed.emplace(route.rpc);
  const std::set<std::string> without = {"freshet.v1.ModelService.ExportSnapshot",
                                         "freshet.v1.ModelService.ImportSnapshot"};
  for (const google::protobuf::FileDescriptor* file :
       {v1::GetModelRequest::descriptor()->file(), v1::LearnRequest::descriptor()->file(),
        v1::ExplainRequest::descriptor()->file(), v1::GetEventRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const std::string& name = file->service(i)->method(j)->full_name();
        EXPECT_NE(routed.contains(name), without.contains(name)) << name;
      }
    }
  }
}

}  // namespace
}  // namespace freshet
