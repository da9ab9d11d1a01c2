// What a client with a token can do with small messages that expand a lot: batches of empty
// examples and features. The test attacks from outside, while a well-behaved client works.

#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "client/client.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "freshet/v1/stats_service.grpc.pb.h"
#include "tests/support/process_usage.h"
#include "tests/support/raw_http2.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr size_t kMib = size_t{1} << 20;
constexpr const char* kLearnPath = "/freshet.v1.LearningService/Learn";
constexpr const char* kPredictPath = "/freshet.v1.LearningService/Predict";
constexpr const char* kExplainPath = "/freshet.v1.StatsService/Explain";

// The memory that one client's large requests may take while they are processed, including the
// bytes received; docs/sizing.md states these numbers.
constexpr size_t kWorkBytes = 1024 * kMib;
constexpr size_t kQueueBytes = 64 * kMib;

// A length-delimited protobuf field, and `count` of them in a row.
std::string WireField(char number, std::string_view bytes) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  uint64_t size = bytes.size();
  for (; size >= 0x80; size >>= 7) field += static_cast<char>(size | 0x80);
  field += static_cast<char>(size);
  return field.append(bytes);
}
std::string Repeated(std::string_view text, size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string EmptyFeatures(size_t count) { return Repeated(WireField(2, ""), count); }
std::string ExampleOf(std::string_view group) {
  v1::Example example;
  example.set_label(1);
  return example.SerializeAsString() + WireField(3, group);
}
std::string BatchOf(std::string_view example, size_t count = 1) {
  return Repeated(WireField(1, example), count);
}

class RawCall {
 public:
  explicit RawCall(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {}
  virtual ~RawCall() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  RawCall(const RawCall&) = delete;
  RawCall& operator=(const RawCall&) = delete;

 protected:
  static grpc::ByteBuffer BufferOf(const std::string& bytes) {
    const grpc::Slice slice(bytes);
    return {&slice, 1};
  }
  // Waits until the operation in progress is complete.
  bool Await() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
};

// A unary call with arbitrary bytes.
class RawUnary : public RawCall {
 public:
  using RawCall::RawCall;
  grpc::Status Call(const std::string& path, const std::string& request) {
    const auto call = stub_.PrepareUnaryCall(&context_, path, BufferOf(request), &queue_);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    Await();
    return status;
  }
};

// A Learn stream with arbitrary bytes.
class RawLearn : public RawCall {
 public:
  RawLearn(const std::shared_ptr<grpc::Channel>& channel, std::string producer,
           std::string model = "models/ctr")
      : RawCall(channel), producer_(std::move(producer)), model_(std::move(model)) {
    call_ = stub_.PrepareCall(&context_, kLearnPath, &queue_);
    call_->StartCall(nullptr);
    Await();
  }
  ~RawLearn() override { context_.TryCancel(); }

  // Sends the batch under the next sequence.
  bool Send(std::string_view examples) {
    v1::LearnRequest request;
    request.set_model(model_);
    request.set_producer_id(producer_);
    request.set_sequence(++sequence_);
    call_->Write(BufferOf(request.SerializeAsString() + WireField(5, examples)), nullptr);
    return Await();
  }
  v1::LearnResponse Receive() {
    grpc::ByteBuffer bytes;
    call_->Read(&bytes, nullptr);
    v1::LearnResponse response;
    grpc::Slice whole;
    if (!Await() || !bytes.DumpToSingleSlice(&whole).ok()) {
      response.mutable_error()->set_message("the stream has ended");
      return response;
    }
    response.ParseFromArray(whole.begin(), static_cast<int>(whole.size()));
    return response;
  }

 private:
  const std::string producer_;
  const std::string model_;
  uint64_t sequence_ = 0;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

class HostileBatchesTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    ASSERT_NO_FATAL_FAILURE(ExpectHealthy());
    before_ = MemoryBytes(server_->pid());
  }

  // How far the server's peak memory is above its memory before the attack.
  size_t GrownBytes() const { return PeakMemoryBytes(server_->pid()) - before_; }

  std::shared_ptr<grpc::Channel> channel() const { return client_->channel(); }

  // Calls a unary method `count` times at once.
  std::vector<grpc::Status> CallAtOnce(size_t count, const std::string& path,
                                       const std::string& request) {
    std::vector<grpc::Status> statuses(count);
    std::vector<std::thread> callers;
    callers.reserve(count);
    for (grpc::Status& status : statuses) {
      callers.emplace_back([&] { status = RawUnary(channel()).Call(path, request); });
    }
    for (std::thread& caller : callers) caller.join();
    return statuses;
  }

  uint64_t before_ = 0;
};

TEST_F(HostileBatchesTest, AMessageOfEmptyFeaturesIsNotParsed) {
  const std::string example = ExampleOf(EmptyFeatures(8'000'000));
  const std::string predict = WireField(1, "models/ctr") + WireField(3, BatchOf(example));
  const std::string explain = WireField(1, "models/ctr") + WireField(2, example);
  for (const auto& [path, request] :
       {std::pair(kPredictPath, predict), std::pair(kExplainPath, explain)}) {
    for (const grpc::Status& status : CallAtOnce(8, path, request)) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << path;
      EXPECT_THAT(status.error_message(), HasSubstr("freshet.v1.Namespace.features")) << path;
    }
  }
  RawLearn stream(channel(), "attacker");
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(stream.Send(BatchOf(example)));
    const v1::LearnResponse response = stream.Receive();
    EXPECT_EQ(response.error().code(), static_cast<int>(grpc::StatusCode::RESOURCE_EXHAUSTED));
    EXPECT_THAT(response.error().message(), HasSubstr("freshet.v1.Namespace.features"));
  }
  // Eight messages as received, and what gRPC and the allocator keep of them.
  EXPECT_LT(GrownBytes(), 384 * kMib);
  ExpectHealthy();
}

TEST_F(HostileBatchesTest, ABatchOfTooManyExamplesIsRefusedBeforeItIsParsed) {
  const std::string batch = BatchOf("", 8'000'000);
  for (const grpc::Status& status :
       CallAtOnce(4, kPredictPath, WireField(1, "models/ctr") + WireField(3, batch))) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), HasSubstr("limits.max_batch_examples"));
  }
  RawLearn stream(channel(), "attacker");
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(stream.Send(batch));
    const v1::LearnResponse response = stream.Receive();
    EXPECT_EQ(response.sequence(), static_cast<uint64_t>(i + 1));
    EXPECT_THAT(response.error().message(), HasSubstr("limits.max_batch_examples"));
  }
  // A refused batch does not end the stream.
  ASSERT_TRUE(stream.Send(BatchOf(ExampleOf(EmptyFeatures(1)))));
  EXPECT_FALSE(stream.Receive().has_error());
  EXPECT_LT(GrownBytes(), 384 * kMib);
  ExpectHealthy();
}

TEST_F(HostileBatchesTest, FieldsThatAreNotKnownAreCounted) {
  v1::GetModelRequest request;
  google::protobuf::UnknownFieldSet& unknown =
      *v1::GetModelRequest::GetReflection()->MutableUnknownFields(&request);
  for (int i = 0; i < 5'000'000; ++i) unknown.AddVarint(15, 1);
  const std::string fields = request.SerializeAsString();
  request.Clear();
  for (const grpc::Status& status : CallAtOnce(8, kPredictPath, fields)) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  for (const char* path :
       {"/freshet.v1.ModelService/GetModel", "/freshet.v1.StatsService/ListTopWeights"}) {
    for (const grpc::Status& status : CallAtOnce(8, path, fields)) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << path;
      EXPECT_THAT(status.error_message(), HasSubstr("65536 bytes")) << path;
    }
  }
  for (const grpc::Status& status : CallAtOnce(8, "/grpc.health.v1.Health/Check", fields)) {
    EXPECT_FALSE(status.ok());
  }
  EXPECT_LT(GrownBytes(), 384 * kMib);
  ExpectHealthy();
}

// As much as the limits allow, on many streams at once.
TEST_F(HostileBatchesTest, QueuesFullOfEmptyFeaturesStayWithinTheirBound) {
  // 3 MiB that take about 110 MiB once parsed.
  const std::string batch = BatchOf(ExampleOf(EmptyFeatures(50'000)), 32);
  constexpr int kSenders = 12;
  std::vector<std::thread> senders;
  senders.reserve(kSenders);
  for (int i = 0; i < kSenders; ++i) {
    senders.emplace_back([&, producer = "attacker-" + std::to_string(i)] {
      RawLearn stream(channel(), producer);
      for (int sent = 0; sent < 2; ++sent) {
        if (!stream.Send(batch)) break;
      }
      for (int sent = 0; sent < 2; ++sent) {
        const v1::LearnResponse response = stream.Receive();
        EXPECT_FALSE(response.has_error()) << response.error().message();
        if (response.sequence() == 2) break;
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_LT(GrownBytes(), kQueueBytes + kWorkBytes);
  for (const grpc::Status& status :
       CallAtOnce(8, kPredictPath, WireField(1, "models/ctr") + WireField(3, batch))) {
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_LT(GrownBytes(), kQueueBytes + kWorkBytes);
  ExpectHealthy();
}

// Each stream has a batch that arrived when the queue was full.
TEST_F(HostileBatchesTest, AFullQueueTakesNoMoreFromHoweverManyStreams) {
  server_->Stop();
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("limits { max_queue_bytes: 1 }"));
  v1::LearnerSpec slow = SmallLearner();  // Takes a tenth of a second for each batch below.
  v1::Interaction& triples = *slow.mutable_features()->add_interactions();
  for (int i = 0; i < 3; ++i) triples.add_namespaces("x");
  ASSERT_TRUE(client_->CreateModel("slow", slow).ok());
  std::string group = WireField(1, "x");
  const std::string long_name(100, 'f');  // Long enough that batches take turns being parsed.
  for (int i = 0; i < 60; ++i) group += WireField(2, WireField(1, long_name + std::to_string(i)));
  constexpr uint64_t kRowsOfBatch = 20;
  const std::string batch = BatchOf(ExampleOf(group), kRowsOfBatch);
  constexpr int kStreams = 40;
  std::vector<std::unique_ptr<RawLearn>> streams;
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(
        std::make_unique<RawLearn>(channel(), "attacker-" + std::to_string(i), "models/slow"));
    ASSERT_TRUE(streams.back()->Send(batch));
  }
  uint64_t most_queued = 0;
  for (uint64_t learned = 0; learned < kStreams * kRowsOfBatch;) {
    const auto model = client_->GetModel("slow");
    ASSERT_TRUE(model.ok()) << model.status();
    learned = model->example_count();
    most_queued = std::max(most_queued, model->queued_example_count());
  }
  // One batch fills the queue, and some were being parsed at that time: four at once, in turns.
  EXPECT_LE(most_queued, 12 * kRowsOfBatch);
  for (const auto& stream : streams) EXPECT_FALSE(stream->Receive().has_error());
}

}  // namespace
}  // namespace freshet
