// What standard tools rely on: health, reflection, paging. Also the service under load.

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class ServiceTest : public ServerFixture {
 protected:
  void SetUp() override { Start(); }

  // Calls a method by its path with raw bytes, and returns the bytes of the first answer.
  std::string CallRaw(const std::string& method, const std::string& request) {
    grpc::GenericStub stub(client_->channel());
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto call = stub.PrepareCall(&context, method, &queue);
    void* tag = nullptr;
    bool ok = false;
    const auto await = [&] { return queue.Next(&tag, &ok) && ok; };
    call->StartCall(nullptr);
    EXPECT_TRUE(await());
    grpc::Slice slice(request);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    EXPECT_TRUE(await());
    call->WritesDone(nullptr);
    EXPECT_TRUE(await());
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    EXPECT_TRUE(await());
    grpc::Status status;
    call->Finish(&status, nullptr);
    EXPECT_TRUE(await());
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<grpc::Slice> slices;
    EXPECT_TRUE(answer.Dump(&slices).ok());
    std::string bytes;
    for (const grpc::Slice& part : slices) {
      bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
    return bytes;
  }
};

TEST_F(ServiceTest, TheStandardHealthServiceSaysServing) {
  // HealthCheckResponse{status: SERVING}.
  EXPECT_EQ(CallRaw("/grpc.health.v1.Health/Check", ""), std::string("\x08\x01"));
}

TEST_F(ServiceTest, ReflectionListsTheServices) {
  // ServerReflectionRequest{list_services: "*"}.
  const std::string answer = CallRaw(
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", std::string("\x3a\x01*"));
  EXPECT_THAT(answer, HasSubstr("freshet.v1.ModelService"));
  EXPECT_THAT(answer, HasSubstr("freshet.v1.LearningService"));
}

TEST_F(ServiceTest, ListsArePaged) {
  for (int i = 0; i < 5; ++i) CreateModel("m" + std::to_string(i));
  const auto stub = v1::ModelService::NewStub(client_->channel());
  v1::ListModelsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  int pages = 0;
  do {
    grpc::ClientContext context;
    v1::ListModelsResponse response;
    ASSERT_TRUE(stub->ListModels(&context, request, &response).ok());
    EXPECT_LE(response.models_size(), 2);
    for (const v1::Model& model : response.models()) names.push_back(model.name());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names, (std::vector<std::string>{"models/m0", "models/m1", "models/m2", "models/m3",
                                             "models/m4"}));
}

TEST_F(ServiceTest, AMillionExamplesAreLearnedOnceWhileFourClientsPredict) {
  CreateModel("clicks", 18);
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> predictions = 0;
  std::vector<std::thread> predictors;
  for (uint32_t i = 0; i < 4; ++i) {
    predictors.emplace_back([&, i] {
      const auto client = *Client::Connect({.server = server_->address()});
      ExampleBatchBuilder batch;
      RandomExamples(i).Append(8, batch);
      uint64_t last_offset = 0;
      while (!stop) {
        const auto result = client->Predict("clicks", batch);
        ASSERT_TRUE(result.ok()) << result.status();
        ASSERT_GE(result->offset, last_offset);  // Never older than the last answer.
        last_offset = result->offset;
        ++predictions;
      }
    });
  }
  const CommandResult push =
      RunCommand({"/bin/sh", "-c",
                  BinaryDir() + "/freshet generate clicks --rows 1000000 | " + BinaryDir() +
                      "/freshet --server " + server_->address() + " --json push clicks -"});
  stop = true;
  for (std::thread& predictor : predictors) predictor.join();
  EXPECT_EQ(push.code, 0) << push.err;
  EXPECT_THAT(push.out, HasSubstr("\"acknowledged\":1000000"));
  EXPECT_EQ(client_->GetModel("clicks")->example_count(), 1'000'000U);
  EXPECT_GT(predictions, 0U);
}

}  // namespace
}  // namespace freshet
