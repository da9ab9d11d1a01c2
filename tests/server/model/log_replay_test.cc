#include "server/model/log_replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "core/feature/hash.h"
#include "server/log/batch_envelope.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;

// A packed batch whose namespaces are not in the order of their hashes, with a value of 0.
std::string UnorderedBatch() {
  v1::LearnRequest request;
  request.set_producer_id("p");
  request.set_sequence(1);
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_labels(1);
  const bool a_is_first = HashNamespace("a") < HashNamespace("b");
  packed.add_namespaces(a_is_first ? "b" : "a");
  packed.add_namespaces(a_is_first ? "a" : "b");
  packed.add_segment_sizes(2);
  packed.add_segment_sizes(1);
  for (const uint32_t id : {1U, 2U, 3U}) packed.add_feature_ids(id);
  for (const float value : {0.5f, 0.0f, 2.0f}) packed.add_values(value);
  return request.SerializeAsString();
}

LogRecord RecordOf(RecordKind kind, const std::string& payload) {
  LogRecord record;
  record.kind = kind;
  record.payload = std::as_bytes(std::span(payload));
  return record;
}

// What older servers logged was learned as it came, and comes to the same again.
TEST(DecodeBatchRecordTest, AnOldBatchIsReadAsItCame) {
  const std::string payload = UnorderedBatch();
  const auto message =
      DecodeBatchRecord(RecordOf(RecordKind::kBatch, payload), LossKind::kLogistic);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_THAT((*message)->examples().feature_ids, ElementsAre(1, 2, 3));
  EXPECT_THAT((*message)->examples().values, ElementsAre(0.5f, 0, 2));
  EXPECT_FALSE((*message)->envelope().has_value());
}

TEST(DecodeBatchRecordTest, ABatchInAnEnvelopeIsReadInOrder) {
  const std::string payload =
      FormatBatchEnvelope({.sender = "alice", .max_producers = 9}) + UnorderedBatch();
  const auto message =
      DecodeBatchRecord(RecordOf(RecordKind::kEnvelopedBatch, payload), LossKind::kLogistic);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_THAT((*message)->examples().feature_ids, ElementsAre(3, 1));
  EXPECT_THAT((*message)->examples().values, ElementsAre(2, 0.5f));
  ASSERT_TRUE((*message)->envelope().has_value());
  EXPECT_EQ((*message)->envelope()->sender, "alice");
  EXPECT_EQ((*message)->envelope()->max_producers, 9U);
}

TEST(DecodeBatchRecordTest, ATornEnvelopeIsDataLoss) {
  const std::string payload = "\x01";
  const auto message =
      DecodeBatchRecord(RecordOf(RecordKind::kEnvelopedBatch, payload), LossKind::kLogistic);
  EXPECT_TRUE(absl::IsDataLoss(message.status())) << message.status();
}

}  // namespace
}  // namespace freshet
