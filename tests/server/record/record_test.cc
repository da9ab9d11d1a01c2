#include "server/record/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/feature/hash.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::string_view_literals::operator""sv;

constexpr int64_t kTimeMs = 0x0102030405060708;
constexpr std::string_view kTimeBytes = "\x08\x07\x06\x05\x04\x03\x02\x01"sv;

std::string WholePayload(const EncodedRecord& record) {
  std::string payload;
  for (const ByteSpan piece : record.pieces()) {
    payload.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  return payload;
}

absl::StatusOr<Record> Parse(RecordKind kind, std::string_view payload) {
  return ParseRecord(kind, std::as_bytes(std::span(payload)), LossKind::kLogistic);
}

const BatchRecord& BatchOf(const Record& record) {
  return *std::get<std::shared_ptr<const BatchRecord>>(record.body);
}

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

Record BatchFrom(const std::string& sender, uint32_t max_producers) {
  std::unique_ptr<BatchRecord> batch = BatchRecord::Parse(SharedBytes::Of(UnorderedBatch()));
  batch->set_envelope({.sender = sender, .max_producers = max_producers});
  return {.time_ms = kTimeMs, .body = std::shared_ptr<const BatchRecord>(std::move(batch))};
}

// The bytes below stand in logs and never change; see server/record/FORMAT.md.

TEST(RecordTest, ABatchHasTheBytesOfTheFormat) {
  const EncodedRecord alice = FormatRecord(BatchFrom("alice", 100'000));
  EXPECT_EQ(alice.kind, RecordKind::kBatch);
  EXPECT_EQ(WholePayload(alice), std::string(kTimeBytes) + "\xa0\x86\x01" + '\0' +
                                     "\x05"
                                     "alice" +
                                     UnorderedBatch());
  EXPECT_EQ(WholePayload(FormatRecord(BatchFrom("", 1))),
            std::string(kTimeBytes) + std::string("\x01\x00\x00\x00\x00"sv) + UnorderedBatch());
}

TEST(RecordTest, ABatchIsReadBackInOrderWithWhatWasDecided) {
  for (const std::string& sender : {std::string(), std::string("a"), std::string(255, 'x')}) {
    const std::string payload = WholePayload(FormatRecord(BatchFrom(sender, 7)));
    const auto read = Parse(RecordKind::kBatch, payload);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->time_ms, kTimeMs);
    const BatchRecord& batch = BatchOf(*read);
    EXPECT_THAT(batch.examples().feature_ids, ElementsAre(3, 1));
    EXPECT_THAT(batch.examples().values, ElementsAre(2, 0.5f));
    ASSERT_TRUE(batch.envelope().has_value());
    EXPECT_EQ(batch.envelope()->sender, sender);
    EXPECT_EQ(batch.envelope()->max_producers, 7U);
  }
}

TEST(RecordTest, WhatIsCutOffIsNoBatch) {
  const std::string payload = WholePayload(FormatRecord(BatchFrom("alice", 7)));
  const size_t head_bytes = payload.size() - UnorderedBatch().size();
  for (size_t size = 0; size <= head_bytes; ++size) {
    const absl::Status status =
        Parse(RecordKind::kBatch, std::string_view(payload).substr(0, size)).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << size << ": " << status;
  }
  EXPECT_TRUE(absl::IsDataLoss(
      Parse(RecordKind::kEnvelopedBatch, "\x00\x00\x00\x00\x00 no producers"sv).status()));
}

TEST(RecordTest, SettingsAreReadBackAlone) {
  v1::Model settings;
  settings.set_durability(v1::DURABILITY_OS);
  settings.mutable_log_retention()->set_max_bytes(5);
  const EncodedRecord record = FormatRecord({.time_ms = kTimeMs, .body = SettingsRecord{settings}});
  EXPECT_EQ(record.kind, RecordKind::kSettings);
  EXPECT_EQ(WholePayload(record), std::string(kTimeBytes) + settings.SerializeAsString());
  const auto read = Parse(record.kind, WholePayload(record));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->time_ms, kTimeMs);
  EXPECT_EQ(std::get<SettingsRecord>(read->body).settings.ShortDebugString(),
            settings.ShortDebugString());
  // What is no setting has no part in it.
  settings.set_name("models/ctr");
  const auto old = Parse(RecordKind::kOldSettings, settings.SerializeAsString());
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(old->time_ms, 0);
  EXPECT_EQ(std::get<SettingsRecord>(old->body).settings.name(), "");
  for (const char* strange : {"no settings", ""}) {
    EXPECT_TRUE(absl::IsDataLoss(Parse(RecordKind::kOldSettings, strange).status())) << strange;
  }
}

TEST(RecordTest, ARestoreSaysWhichSnapshotAndWhichFile) {
  const uint64_t checksum = 0x00ff'1234'5678'9a00;  // Zero bytes among them.
  const EncodedRecord record =
      FormatRecord({.time_ms = kTimeMs,
                    .body = RestoreRecord{.snapshot_id = "kept", .file_checksum = checksum}});
  EXPECT_EQ(record.kind, RecordKind::kRestore);
  EXPECT_EQ(WholePayload(record),
            std::string(kTimeBytes) + std::string("kept\x00\x00\x9a\x78\x56\x34\x12\xff\x00"sv));
  const auto read = Parse(record.kind, WholePayload(record));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->time_ms, kTimeMs);
  EXPECT_EQ(std::get<RestoreRecord>(read->body).snapshot_id, "kept");
  EXPECT_EQ(std::get<RestoreRecord>(read->body).file_checksum, checksum);
}

TEST(RecordTest, ARestoreOfAnOlderServerHasTheIdAlone) {
  const auto read = Parse(RecordKind::kOldRestore, "kept");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<RestoreRecord>(read->body).snapshot_id, "kept");
  EXPECT_EQ(std::get<RestoreRecord>(read->body).file_checksum, std::nullopt);
}

// What older servers logged was learned as it came, and comes to the same again.
TEST(RecordTest, AnOldBatchIsReadAsItCame) {
  const std::string payload = UnorderedBatch();
  const auto read = Parse(RecordKind::kOldBatch, payload);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->time_ms, 0);
  EXPECT_THAT(BatchOf(*read).examples().feature_ids, ElementsAre(1, 2, 3));
  EXPECT_THAT(BatchOf(*read).examples().values, ElementsAre(0.5f, 0, 2));
  EXPECT_FALSE(BatchOf(*read).envelope().has_value());
}

TEST(RecordTest, AnOldBatchInAnEnvelopeIsReadInOrder) {
  const std::string payload = std::string(
                                  "\x09\x00\x00\x00\x05"
                                  "alice"sv) +
                              UnorderedBatch();
  const auto read = Parse(RecordKind::kEnvelopedBatch, payload);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(BatchOf(*read).examples().feature_ids, ElementsAre(3, 1));
  EXPECT_EQ(BatchOf(*read).envelope()->sender, "alice");
  EXPECT_EQ(BatchOf(*read).envelope()->max_producers, 9U);
}

TEST(RecordTest, AKindOfANewerVersionIsRefused) {
  for (const uint16_t kind : {uint16_t{11}, uint16_t{0xffff}}) {
    const absl::Status status = Parse(static_cast<RecordKind>(kind), "").status();
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_THAT(status.message(), HasSubstr("its kind is unknown; if a newer freshet used"));
  }
}

}  // namespace
}  // namespace freshet
