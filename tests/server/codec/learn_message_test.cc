#include "server/codec/learn_message.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

namespace freshet {
namespace {

constexpr int kRows = 200;
constexpr int kFeatures = 30;

std::unique_ptr<LearnMessage> Received(const v1::LearnRequest& request) {
  auto message = LearnMessage::Parse({grpc::Slice(request.SerializeAsString())});
  v1::BatchError error;
  EXPECT_TRUE(message->DecodeBatch(LossKind::kLogistic, {}, error)) << error.message();
  return message;
}

TEST(LearnMessageTest, TheMemoryOfPackedColumnsIsWhatCameAndTheParsedCopy) {
  v1::LearnRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(kFeatures);
  for (int row = 0; row < kRows; ++row) packed.add_labels(1);
  for (uint32_t i = 0; i < kRows * kFeatures; ++i) packed.add_feature_ids(i);
  const auto message = Received(request);
  const uint64_t wire_bytes = message->wire_bytes().size();
  EXPECT_GE(message->memory_bytes(), wire_bytes + message->request().SpaceUsedLong());
  // The ends of rows besides, and what every message takes.
  EXPECT_LE(message->memory_bytes(), 2 * wire_bytes + sizeof(uint32_t) * kRows + 4096);
}

TEST(LearnMessageTest, TheMemoryOfReadableExamplesIsAlsoTheirNamesAndColumns) {
  v1::LearnRequest request;
  for (int row = 0; row < kRows; ++row) {
    v1::Example& example = *request.mutable_examples()->add_examples();
    example.set_label(1);
    v1::Namespace& group = *example.add_namespaces();
    for (int i = 0; i < kFeatures; ++i) {
      group.add_features()->set_name("a name that lies outside the arena " + std::to_string(i));
    }
  }
  const auto message = Received(request);
  constexpr uint64_t kColumnBytes =
      uint64_t{kRows} * kFeatures * (sizeof(uint32_t) + sizeof(float));
  EXPECT_GE(message->memory_bytes(),
            message->wire_bytes().size() + message->request().SpaceUsedLong() + kColumnBytes);
}

// They would be held outside the arena, and not be counted.
TEST(LearnMessageTest, KeepsNoFieldsThatAreNotKnown) {
  v1::LearnRequest request;
  v1::Example& example = *request.mutable_examples()->add_examples();
  v1::Feature& feature = *example.add_namespaces()->add_features();
  for (google::protobuf::Message* part :
       std::initializer_list<google::protobuf::Message*>{&request, &example, &feature}) {
    part->GetReflection()->MutableUnknownFields(part)->AddVarint(100, 1);
  }
  example.set_label(1);
  request.mutable_examples()->add_examples()->set_label(0);
  const std::string wire = request.SerializeAsString();
  const auto message = LearnMessage::Parse({grpc::Slice(wire)});
  EXPECT_EQ(message->wire_bytes().size(), wire.size());
  v1::LearnRequest known = request;
  known.DiscardUnknownFields();
  EXPECT_EQ(message->request().SerializeAsString(), known.SerializeAsString());
}

TEST(LearnMessageTest, WithoutItsBatchARequestIsWhatElseItHolds) {
  v1::LearnRequest request;
  request.set_model("models/ctr");
  request.set_producer_id("a");
  request.set_sequence(7);
  request.set_return_predictions(true);
  request.set_new_producer(true);
  const v1::LearnRequest without = request;
  request.mutable_packed()->add_labels(1);
  const auto message = LearnMessage::ParseWithoutBatch({grpc::Slice(request.SerializeAsString())});
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->request().SerializeAsString(), without.SerializeAsString());
  EXPECT_EQ(LearnMessage::ParseWithoutBatch({grpc::Slice("no message")}), nullptr);
}

}  // namespace
}  // namespace freshet
