// Misbehaving clients: the server says what is wrong, learns nothing from them, and stays healthy.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <random>
#include <string>

#include "client/client.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class HostileTest : public ServerFixture {
 protected:
  void StartWithModel(const std::string& config = "") {
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    stub_ = v1::LearningService::NewStub(client_->channel());
  }

  // Opens a TCP connection to the server's gRPC port.
  int Connect() const {
    const std::string& address = server_->address();
    sockaddr_in target = {};
    target.sin_family = AF_INET;
    target.sin_port =
        htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(socket_fd, reinterpret_cast<sockaddr*>(&target), sizeof(target)), 0);
    return socket_fd;
  }

  static v1::LearnRequest Request(size_t rows) {
    v1::LearnRequest request;
    request.set_model("models/ctr");
    request.set_producer_id("test");
    request.set_sequence(1);
    v1::PackedBatch& packed = *request.mutable_packed();
    packed.add_namespaces("");
    packed.add_segment_sizes(1);
    for (size_t i = 0; i < rows; ++i) {
      packed.add_labels(1);
      packed.add_feature_ids(static_cast<uint32_t>(i));
    }
    return request;
  }

  grpc::Status StatusOf(const v1::LearnRequest& request, v1::LearnResponse* response) {
    grpc::ClientContext context;
    auto stream = stub_->Learn(&context);
    stream->Write(request);
    stream->WritesDone();
    stream->Read(response);
    return stream->Finish();
  }

  std::unique_ptr<v1::LearningService::Stub> stub_;
};

TEST_F(HostileTest, RandomBytesToThePort) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    const int socket_fd = Connect();
    std::string bytes(1 + random() % 5000, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (i % 2 == 0) bytes.insert(0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    EXPECT_GT(send(socket_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    close(socket_fd);
  }
  ExpectHealthy();
}

TEST_F(HostileTest, AClientThatDiesInMidStream) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  for (int i = 0; i < 10; ++i) {
    grpc::ClientContext context;
    auto stream = stub_->Learn(&context);
    v1::LearnRequest request = Request(100);
    request.set_sequence(static_cast<uint64_t>(i) + 1);
    stream->Write(request);
    context.TryCancel();
    stream->Finish();
  }
  ExpectHealthy();
  EXPECT_EQ(client_->GetModel("ctr")->example_count() % 100, 10U);  // Whole batches only.
}

TEST_F(HostileTest, ClientProcessesKilledInMidStream) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  for (int i = 0; i < 5; ++i) {
    const CommandResult killed =
        RunCommand({"/bin/sh", "-c",
                    BinaryDir() + "/freshet generate clicks | timeout -s KILL 0.3 " + BinaryDir() +
                        "/freshet --server " + server_->address() + " push ctr -"});
    EXPECT_EQ(killed.code, 137) << killed.err;
  }
  ExpectHealthy();
}

TEST_F(HostileTest, AbsurdSizesAreRefusedByName) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel(
      "limits { max_message_bytes: 65536 max_batch_examples: 100 max_example_features: 20 }"));
  v1::LearnResponse response;
  EXPECT_TRUE(StatusOf(Request(101), &response).ok());
  EXPECT_EQ(response.error().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(response.error().message(), HasSubstr("max_batch_examples"));

  EXPECT_EQ(StatusOf(Request(100'000), &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);

  v1::LearnRequest wide = Request(1);
  for (uint32_t i = 0; i < 20; ++i) wide.mutable_packed()->add_feature_ids(i);
  wide.mutable_packed()->set_segment_sizes(0, 21);
  EXPECT_TRUE(StatusOf(wide, &response).ok());
  EXPECT_THAT(response.error().message(), HasSubstr("max_example_features"));
  ExpectHealthy();
}

TEST_F(HostileTest, MoreStreamsOrModelsThanAllowedAreRefusedByName) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("limits { max_streams: 2 max_models: 2 }"));
  grpc::ClientContext contexts[3];
  std::unique_ptr<grpc::ClientReaderWriter<v1::LearnRequest, v1::LearnResponse>> streams[2];
  for (int i = 0; i < 2; ++i) {
    streams[i] = stub_->Learn(&contexts[i]);
    v1::LearnRequest request = Request(1);
    request.set_producer_id("p" + std::to_string(i));
    streams[i]->Write(request);
    v1::LearnResponse response;
    EXPECT_TRUE(streams[i]->Read(&response));  // An answer shows that the stream is open.
  }
  auto third = stub_->Learn(&contexts[2]);
  const grpc::Status status = third->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("limits.max_streams"));
  for (const auto& stream : streams) {
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }

  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  EXPECT_TRUE(client_->CreateModel("second", learner).ok());
  EXPECT_THAT(std::string(client_->CreateModel("third", learner).status().message()),
              HasSubstr("limits.max_models"));
  EXPECT_TRUE(client_->GetModel("second").ok());
}

TEST_F(HostileTest, AClientThatReadsNoAnswersIsHeldBack) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  auto stream = stub_->Learn(&context);
  v1::LearnRequest request = Request(1);
  request.set_return_predictions(true);
  uint64_t sent = 0;
  while (true) {
    request.set_sequence(++sent);
    if (!stream->Write(request)) break;  // Flow control blocks it until the deadline.
  }
  stream->Finish();
  ExpectHealthy();
}

}  // namespace
}  // namespace freshet
