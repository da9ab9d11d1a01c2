#include "server/view/producer_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kLargest = ~uint64_t{0};

std::string BytesOf(const ProducerTable& table) {
  StateWriter writer;
  table.SaveState(writer);
  std::string bytes;
  for (const auto chunk : writer.Chunks()) {
    bytes.append(reinterpret_cast<const char*>(chunk.data()), chunk.size());
  }
  return bytes;
}

absl::Status Load(const std::string& bytes, ProducerTable& table) {
  StateReader reader(std::as_bytes(std::span(bytes)));
  return table.LoadState(reader);
}

// A table that is given batches one after the other.
class Producers {
 public:
  explicit Producers(uint32_t capacity = 1000) : capacity_(capacity) {}

  // What the table says of a batch, which it accepts where it is new.
  ProducerVerdict Send(std::string_view producer_id, uint64_t sequence,
                       std::string_view sender = "", bool may_begin = false) {
    return Send(ProducerBatch{producer_id, sequence, sender, may_begin});
  }
  // The same for a batch that covers the sequences from `first` to `last`.
  ProducerVerdict SendRange(std::string_view producer_id, uint64_t first, uint64_t last) {
    return Send(
        ProducerBatch{.producer_id = producer_id, .sequence = last, .first_sequence = first});
  }
  ProducerVerdict Send(const ProducerBatch& batch) {
    const ProducerVerdict verdict = table_.Judge(batch);
    refusal_ = table_.Refusal(verdict, batch);
    if (verdict == ProducerVerdict::kNew) table_.Accept(batch, ++offset_, capacity_);
    return verdict;
  }

  // Why the last batch was refused.
  const absl::Status& refusal() const { return refusal_; }
  ProducerTable& table() { return table_; }
  void set_capacity(uint32_t capacity) { capacity_ = capacity; }

 private:
  uint32_t capacity_;
  uint64_t offset_ = 0;
  ProducerTable table_;
  absl::Status refusal_;
};

TEST(ProducerTableTest, AProducerBeginsWithSequenceOne) {
  Producers producers;
  EXPECT_EQ(producers.Send("a", 2), ProducerVerdict::kUnknown);
  EXPECT_TRUE(absl::IsFailedPrecondition(producers.refusal())) << producers.refusal();
  EXPECT_EQ(producers.Send("a", 1), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("a", 2), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("a", 1), ProducerVerdict::kDuplicate);
  EXPECT_EQ(producers.Send("a", 2), ProducerVerdict::kDuplicate);
  EXPECT_EQ(producers.Send("b", 7, "", /*may_begin=*/true), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("b", 7), ProducerVerdict::kDuplicate);
  EXPECT_EQ(producers.Send("b", 8), ProducerVerdict::kNew);
}

TEST(ProducerTableTest, ForgetsTheProducerWhoseLastBatchIsOldest) {
  Producers producers(2);
  producers.Send("a", 1);
  producers.Send("b", 1);
  producers.Send("a", 2);
  producers.Send("c", 1);
  EXPECT_EQ(producers.table().Find("b"), nullptr);
  ASSERT_NE(producers.table().Find("a"), nullptr);
  EXPECT_EQ(producers.table().Find("a")->sequence, 2U);
  EXPECT_EQ(producers.table().size(), 2U);
  EXPECT_EQ(producers.table().forgotten_count(), 1U);
}

// A resend of a producer that was pushed out of the table was once learned a second time.
TEST(ProducerTableTest, AForgottenProducersResendIsRefusedAlsoOfItsFirstBatch) {
  Producers producers(100);
  producers.Send("old", 1);
  producers.Send("old", 2);
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(producers.Send(StrCat("p", i), 1), ProducerVerdict::kNew);
  }
  for (const uint64_t sequence : {1, 2, 3}) {
    EXPECT_EQ(producers.Send("old", sequence, "", /*may_begin=*/true), ProducerVerdict::kForgotten);
    EXPECT_TRUE(absl::IsFailedPrecondition(producers.refusal()));
    EXPECT_THAT(std::string(producers.refusal().message()), HasSubstr("another producer_id"));
  }
  EXPECT_EQ(producers.table().forgotten_count(), 401U);
}

// The same rows may come in batches of another size.
TEST(ProducerTableTest, ABatchThatCoversARangeIsNewKnownOrPartlyKnown) {
  Producers producers;
  EXPECT_EQ(producers.SendRange("a", 2, 5), ProducerVerdict::kUnknown);
  EXPECT_EQ(producers.SendRange("a", 1, 100), ProducerVerdict::kNew);
  EXPECT_EQ(producers.SendRange("a", 101, 200), ProducerVerdict::kNew);
  EXPECT_TRUE(producers.table().Find("a")->gaps.empty());
  EXPECT_EQ(producers.SendRange("a", 51, 150), ProducerVerdict::kDuplicate);
  EXPECT_EQ(producers.Send("a", 7), ProducerVerdict::kDuplicate);
  EXPECT_EQ(producers.SendRange("a", 200, 201), ProducerVerdict::kPartlyKnown);
  EXPECT_TRUE(absl::IsFailedPrecondition(producers.refusal())) << producers.refusal();
  EXPECT_EQ(producers.SendRange("a", 301, 400), ProducerVerdict::kNew);
  ASSERT_EQ(producers.table().Find("a")->gaps.size(), 1U);
  EXPECT_EQ(producers.SendRange("a", 150, 250), ProducerVerdict::kPartlyKnown);
  EXPECT_EQ(producers.SendRange("a", 250, 350), ProducerVerdict::kPartlyKnown);
  EXPECT_EQ(producers.SendRange("a", 150, 350), ProducerVerdict::kPartlyKnown);
  EXPECT_EQ(producers.SendRange("a", 221, 240), ProducerVerdict::kNew);
  EXPECT_EQ(producers.SendRange("a", 221, 240), ProducerVerdict::kDuplicate);
  EXPECT_EQ(producers.SendRange("a", 201, 220), ProducerVerdict::kNew);
  EXPECT_EQ(producers.SendRange("a", 281, 300), ProducerVerdict::kNew);
  EXPECT_EQ(producers.SendRange("a", 241, 280), ProducerVerdict::kNew);
  EXPECT_TRUE(producers.table().Find("a")->gaps.empty());
  EXPECT_EQ(producers.SendRange("a", 1, 400), ProducerVerdict::kDuplicate);
}

// What was left out and comes later is learned; what was accepted is not learned again.
TEST(ProducerTableTest, ABatchThatFillsAGapIsNew) {
  Producers producers;
  producers.Send("a", 1);
  producers.Send("a", 9);
  for (const uint64_t sequence : {5, 2, 8, 3}) {
    EXPECT_EQ(producers.Send("a", sequence), ProducerVerdict::kNew) << sequence;
    EXPECT_EQ(producers.Send("a", sequence), ProducerVerdict::kDuplicate) << sequence;
  }
  EXPECT_EQ(producers.Send("a", 9), ProducerVerdict::kDuplicate);
  for (const uint64_t sequence : {4, 6, 7}) {
    EXPECT_EQ(producers.Send("a", sequence), ProducerVerdict::kNew) << sequence;
  }
  EXPECT_TRUE(producers.table().Find("a")->gaps.empty());
}

// Somebody's batch of the largest sequence once made all others of that producer duplicates.
TEST(ProducerTableTest, AHugeJumpIsRefusedAndSilencesNobody) {
  Producers producers;
  producers.Send("a", 1);
  for (const uint64_t sequence : {kLargest, ProducerTable::kMaxJump + 2}) {
    EXPECT_EQ(producers.Send("a", sequence), ProducerVerdict::kTooFarAhead);
    EXPECT_TRUE(absl::IsFailedPrecondition(producers.refusal()));
    EXPECT_THAT(std::string(producers.refusal().message()), HasSubstr("send it as 2"));
  }
  EXPECT_EQ(producers.Send("a", ProducerTable::kMaxJump + 1), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("a", 2), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("b", kLargest, "", /*may_begin=*/true), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("b", 1), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("b", 1), ProducerVerdict::kDuplicate);
  EXPECT_EQ(producers.Send("b", kLargest - 1), ProducerVerdict::kNew);
}

TEST(ProducerTableTest, BelowTooManyGapsNothingIsSaidThatIsNotKnown) {
  Producers producers;
  const uint64_t last = 2 * ProducerTable::kMaxGaps + 1;
  for (uint64_t sequence = 1; sequence <= last; sequence += 2) producers.Send("a", sequence);
  EXPECT_EQ(producers.Send("a", 1), ProducerVerdict::kDuplicate) << "all gaps are kept";
  producers.Send("a", last + 2);
  EXPECT_EQ(producers.Send("a", 1), ProducerVerdict::kTooFarBack);
  EXPECT_EQ(producers.Send("a", 2), ProducerVerdict::kTooFarBack);
  EXPECT_THAT(std::string(producers.refusal().message()), HasSubstr(StrCat("above ", last + 2)));
  EXPECT_EQ(producers.Send("a", 3), ProducerVerdict::kDuplicate);
  EXPECT_EQ(producers.Send("a", 4), ProducerVerdict::kNew);
}

TEST(ProducerTableTest, AProducerBelongsToTheFirstNamedSender) {
  Producers producers;
  EXPECT_EQ(producers.Send("a", 1, "alice"), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("a", 2, "bob"), ProducerVerdict::kNotItsOwn);
  EXPECT_TRUE(absl::IsPermissionDenied(producers.refusal()));
  EXPECT_EQ(producers.Send("a", 1, "bob"), ProducerVerdict::kNotItsOwn) << "nor is it told of";
  EXPECT_EQ(producers.Send("a", 2, "alice"), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("a", 3), ProducerVerdict::kNew) << "the server has no tokens any more";
  EXPECT_EQ(producers.Send("a", 4, "bob"), ProducerVerdict::kNotItsOwn);
  EXPECT_EQ(producers.Send("b", 1), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("b", 2, "bob"), ProducerVerdict::kNew) << "it had no owner yet";
  EXPECT_EQ(producers.Send("b", 3, "alice"), ProducerVerdict::kNotItsOwn);
}

TEST(ProducerTableTest, EachBatchSaysHowManyProducersAreKnown) {
  Producers producers(10);
  for (int i = 0; i < 10; ++i) producers.Send(StrCat("p", i), 1);
  producers.set_capacity(3);
  EXPECT_EQ(producers.table().size(), 10U);
  producers.Send("p9", 2);
  EXPECT_EQ(producers.table().size(), 3U);
  EXPECT_NE(producers.table().Find("p7"), nullptr);
  EXPECT_EQ(producers.table().Find("p6"), nullptr);
  producers.set_capacity(10);
  for (int i = 10; i < 20; ++i) producers.Send(StrCat("p", i), 1);
  EXPECT_EQ(producers.table().size(), 10U);
}

// Servers before said of every sequence up to the last one that it was a duplicate.
TEST(ProducerTableTest, WhatOldRecordsLeftOutCountsAsAccepted) {
  ProducerTable table;
  table.AcceptOld("a", 3, 1);
  table.AcceptOld("a", 9, 2);
  EXPECT_EQ(table.Judge({.producer_id = "a", .sequence = 5}), ProducerVerdict::kDuplicate);
  table.Accept({.producer_id = "a", .sequence = 12}, 3, 10);
  EXPECT_EQ(table.Judge({.producer_id = "a", .sequence = 5}), ProducerVerdict::kDuplicate);
  EXPECT_EQ(table.Judge({.producer_id = "a", .sequence = 10}), ProducerVerdict::kNew);
}

// The definition: a sequence is new once.
TEST(ProducerTableTest, RandomStreamsAreAcceptedExactlyOnce) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Producers producers;
    std::map<std::string, std::set<uint64_t>> accepted;
    for (int i = 0; i < 2000; ++i) {
      const std::string id = StrCat("p", random() % 3);
      const uint64_t sequence = 1 + random() % 300;
      const bool is_new = accepted[id].insert(sequence).second;
      EXPECT_EQ(producers.Send(id, sequence, "", /*may_begin=*/true),
                is_new ? ProducerVerdict::kNew : ProducerVerdict::kDuplicate);
      if (i % 100 == 0) {  // The state is all that there is.
        ProducerTable loaded;
        ASSERT_TRUE(Load(BytesOf(producers.table()), loaded).ok());
        EXPECT_EQ(BytesOf(loaded), BytesOf(producers.table()));
        producers.table() = std::move(loaded);
      }
    }
  }
}

TEST(ProducerTableTest, StateComesBackAndAgesAsBefore) {
  Producers producers(2);
  producers.Send("gone", 1);
  producers.Send("a", 1, "alice");
  producers.Send("a", 7, "alice");
  producers.Send("b", 9, "", /*may_begin=*/true);
  const std::string bytes = BytesOf(producers.table());
  ProducerTable loaded;
  loaded.Accept({.producer_id = "of before", .sequence = 1}, 1, 10);
  ASSERT_TRUE(Load(bytes, loaded).ok());
  EXPECT_EQ(BytesOf(loaded), bytes);
  producers.table() = std::move(loaded);
  EXPECT_EQ(producers.Send("gone", 1), ProducerVerdict::kForgotten);
  EXPECT_EQ(producers.Send("a", 5, "bob"), ProducerVerdict::kNotItsOwn);
  EXPECT_EQ(producers.Send("b", 3), ProducerVerdict::kNew);
  EXPECT_EQ(producers.Send("a", 5, "alice"), ProducerVerdict::kNew);
  producers.Send("c", 1);
  EXPECT_EQ(producers.table().Find("b"), nullptr);
  EXPECT_EQ(producers.table().Find("a")->sequence, 7U);
}

TEST(ProducerTableTest, CutBytesAreDataLoss) {
  Producers producers(2);
  for (const char* id : {"a", "b", "c"}) producers.Send(id, 7, "alice", /*may_begin=*/true);
  const std::string bytes = BytesOf(producers.table());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ProducerTable loaded;
    EXPECT_FALSE(Load(bytes.substr(0, size), loaded).ok()) << size;
  }
}

TEST(ProducerIdSetTest, KeepsTheNewestIds) {
  ProducerIdSet ids;
  for (int i = 0; i < 1000; ++i) {
    ids.Add(StrCat("p", i), 50);
    EXPECT_LE(ids.size(), 100U);
    EXPECT_TRUE(ids.Contains(StrCat("p", i)));
    if (i >= 50) {
      EXPECT_TRUE(ids.Contains(StrCat("p", i - 49)));
    }
    if (i >= 100) {
      EXPECT_FALSE(ids.Contains(StrCat("p", i - 100)));
    }
  }
}

}  // namespace
}  // namespace freshet
