#include "server/record/batch_record.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

namespace freshet {
namespace {

constexpr int kRows = 200;
constexpr int kFeatures = 30;

std::unique_ptr<BatchRecord> Received(const v1::LearnRequest& request) {
  auto batch = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  EXPECT_TRUE(batch->Decode(LossKind::kLogistic, {}, error)) << error.message();
  return batch;
}

TEST(BatchRecordTest, TheMemoryOfPackedColumnsIsWhatCameAndTheParsedCopy) {
  v1::LearnRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(kFeatures);
  for (int row = 0; row < kRows; ++row) packed.add_labels(1);
  for (uint32_t i = 0; i < kRows * kFeatures; ++i) packed.add_feature_ids(i);
  const auto batch = Received(request);
  const uint64_t wire_bytes = batch->wire_bytes().size();
  EXPECT_GE(batch->memory_bytes(), wire_bytes + batch->request().SpaceUsedLong());
  // The ends of rows besides, and what every message takes.
  EXPECT_LE(batch->memory_bytes(), 2 * wire_bytes + sizeof(uint32_t) * kRows + 4096);
}

TEST(BatchRecordTest, TheMemoryOfReadableExamplesIsAlsoTheirNamesAndColumns) {
  v1::LearnRequest request;
  for (int row = 0; row < kRows; ++row) {
    v1::Example& example = *request.mutable_examples()->add_examples();
    example.set_label(1);
    v1::Namespace& group = *example.add_namespaces();
    for (int i = 0; i < kFeatures; ++i) {
      group.add_features()->set_name("a name that lies outside the arena " + std::to_string(i));
    }
  }
  const auto batch = Received(request);
  constexpr uint64_t kColumnBytes =
      uint64_t{kRows} * kFeatures * (sizeof(uint32_t) + sizeof(float));
  EXPECT_GE(batch->memory_bytes(),
            batch->wire_bytes().size() + batch->request().SpaceUsedLong() + kColumnBytes);
}

// They would be held outside the arena, and not be counted.
TEST(BatchRecordTest, KeepsNoFieldsThatAreNotKnown) {
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
  const auto batch = BatchRecord::Parse(SharedBytes::Of(wire));
  EXPECT_EQ(batch->wire_bytes().size(), wire.size());
  v1::LearnRequest known = request;
  known.DiscardUnknownFields();
  EXPECT_EQ(batch->request().SerializeAsString(), known.SerializeAsString());
}

TEST(BatchRecordTest, WithoutItsBatchARequestIsWhatElseItHolds) {
  v1::LearnRequest request;
  request.set_model("models/ctr");
  request.set_producer_id("a");
  request.set_sequence(7);
  request.set_return_predictions(true);
  request.set_new_producer(true);
  const v1::LearnRequest without = request;
  request.mutable_packed()->add_labels(1);
  const auto batch = BatchRecord::ParseWithoutBatch(SharedBytes::Of(request.SerializeAsString()));
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(batch->request().SerializeAsString(), without.SerializeAsString());
  EXPECT_EQ(BatchRecord::ParseWithoutBatch(SharedBytes::Of("no message")), nullptr);
}

}  // namespace
}  // namespace freshet
