#include "server/codec/learn_message.h"

#include <gtest/gtest.h>

#include <cstdint>
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

}  // namespace
}  // namespace freshet
