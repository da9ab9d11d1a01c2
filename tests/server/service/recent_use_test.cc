#include "server/service/recent_use.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "server/log/log.h"
#include "server/record/record.h"
#include "server/view/learner_spec.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kSlots = 1024;

class RecentUseTest : public testing::Test {
 protected:
  RecentUseTest() {
    spec_.set_loss(v1::LOSS_LOGISTIC);
    spec_.set_bits(10);
    log_ = Log::Open(files_, "/log", {}).value();
  }

  void Append(RecordKind kind, const std::string& payload) {
    const std::vector<ByteSpan> pieces = {std::as_bytes(std::span(payload))};
    ASSERT_TRUE(log_->Append(kind, pieces).ok());
  }

  // Appends a batch; each row has these features of the default namespace, the values of which
  // rise.
  void AppendBatch(const std::vector<std::vector<std::string>>& rows, float weight = 1) {
    v1::LearnRequest request;
    request.set_producer_id("p");
    request.set_sequence(1);
    for (const auto& row : rows) {
      v1::Example& example = *request.mutable_examples()->add_examples();
      example.set_label(1);
      example.set_weight(weight);
      v1::Namespace& group = *example.add_namespaces();
      for (const std::string& name : row) {
        v1::Feature& feature = *group.add_features();
        feature.set_name(name);
        feature.set_value(++value_);
      }
    }
    Append(RecordKind::kOldBatch, request.SerializeAsString());
  }

  void Append(RecordBody body) {
    const EncodedRecord record = FormatRecord({.time_ms = 1, .body = std::move(body)});
    ASSERT_TRUE(log_->Append(record.kind, record.pieces()).ok());
  }

  static uint32_t SlotOf(const std::string& name) {
    return HashFeature(name, HashNamespace("")) % kSlots;
  }

  RecentUses Find(const std::vector<uint32_t>& slots, uint64_t from = 0,
                  uint64_t end = UINT64_MAX) {
    const auto reader = log_->NewReader(from);
    auto uses = FindRecentUses(**reader, end, ResolveLearnerSpec(spec_).value(), kSlots, slots);
    EXPECT_TRUE(uses.ok()) << uses.status();
    return *std::move(uses);
  }

  // "count last_offset examples_since"
  static std::string Text(const v1::RecentUse& use) {
    return StrCat(use.example_count(), " ", use.last_offset(), " ", use.examples_since());
  }
  static std::map<uint32_t, std::string> Texts(const RecentUses& uses) {
    std::map<uint32_t, std::string> texts;
    for (const auto& [slot, use] : uses.by_slot) texts[slot] = Text(use);
    return texts;
  }

  FaultFileSystem files_;
  std::unique_ptr<Log> log_;
  v1::LearnerSpec spec_;
  float value_ = 1;
};

TEST_F(RecentUseTest, CountsTheExamplesThatHadASlotAndTellsTheLast) {
  AppendBatch({{"a"}, {"b", "b"}, {"a", "b"}});
  AppendBatch({{"b"}, {"c"}, {"c"}});
  v1::Model settings;
  settings.set_durability(v1::DURABILITY_OS);
  Append(SettingsRecord{settings});
  const RecentUses uses = Find({SlotOf("a"), SlotOf("b"), SlotOf("unseen")});
  EXPECT_EQ(uses.example_count, 6U);
  EXPECT_THAT(Texts(uses),
              UnorderedElementsAre(Pair(SlotOf("a"), "2 0 3"), Pair(SlotOf("b"), "3 1 2")));
}

TEST_F(RecentUseTest, LooksFromThePositionToTheEndThatItIsGiven) {
  AppendBatch({{"a"}});
  AppendBatch({{"a"}, {"b"}});
  AppendBatch({{"a"}});
  const RecentUses uses = Find({SlotOf("a")}, 1, 2);
  EXPECT_EQ(uses.example_count, 2U);
  EXPECT_THAT(Texts(uses), UnorderedElementsAre(Pair(SlotOf("a"), "1 1 1")));
}

TEST_F(RecentUseTest, WhatWasBeforeARestoreIsGone) {
  AppendBatch({{"a"}, {"b"}});
  Append(RestoreRecord{.snapshot_id = "kept", .file_checksum = {}});
  AppendBatch({{"b"}});
  const RecentUses uses = Find({SlotOf("a"), SlotOf("b")});
  EXPECT_EQ(uses.example_count, 1U);
  EXPECT_THAT(Texts(uses), UnorderedElementsAre(Pair(SlotOf("b"), "1 2 0")));
}

TEST_F(RecentUseTest, ExamplesOfWeightZeroWereNotLearned) {
  AppendBatch({{"a"}}, 0);
  EXPECT_EQ(Find({SlotOf("a")}).example_count, 0U);
}

TEST_F(RecentUseTest, FeaturesThatTheModelMakesAreFoundToo) {
  v1::FeatureSpec& features = *spec_.mutable_features();
  features.add_interactions()->add_namespaces("");
  features.mutable_interactions(0)->add_namespaces("");
  AppendBatch({{"a", "b"}, {"a"}});
  std::vector<uint32_t> all(kSlots);
  for (uint32_t i = 0; i < kSlots; ++i) all[i] = i;
  const std::map<uint32_t, std::string> found = Texts(Find(all));
  EXPECT_EQ(found.at(SlotOf("b")), "1 0 1");
  EXPECT_GT(found.size(), 2U);  // Pairs beside the two.
}

TEST_F(RecentUseTest, StandardisedNumbersAreInEveryExampleOnceTheyDiffer) {
  v1::NumericTransform& numeric = *spec_.mutable_features()->add_numerics();
  numeric.set_namespace_("*");
  numeric.set_kind(v1::NumericTransform::KIND_STANDARDIZE);
  AppendBatch({{"a"}, {"a"}, {"b"}});
  EXPECT_THAT(Texts(Find({SlotOf("a")})), UnorderedElementsAre(Pair(SlotOf("a"), "2 0 0")));
}

TEST_F(RecentUseTest, QuantileBinsMoveSoThatNothingIsClaimedOfThem) {
  v1::NumericTransform& numeric = *spec_.mutable_features()->add_numerics();
  numeric.set_namespace_("*");
  numeric.set_kind(v1::NumericTransform::KIND_QUANTILE_BINS);
  AppendBatch({{"a"}});
  const RecentUses uses = Find({SlotOf("a")});
  EXPECT_EQ(uses.example_count, 0U);
  EXPECT_THAT(uses.by_slot, IsEmpty());
}

// Until labels had a presence of their own, 0 was not written, nor was one that had been forgotten.
TEST_F(RecentUseTest, ALogMayHoldExamplesWithoutALabel) {
  v1::LearnRequest request;
  request.mutable_examples()->add_examples()->add_namespaces()->add_features()->set_name("a");
  Append(RecordKind::kOldBatch, request.SerializeAsString());
  EXPECT_THAT(Texts(Find({SlotOf("a")})), UnorderedElementsAre(Pair(SlotOf("a"), "1 0 0")));
}

TEST_F(RecentUseTest, ARecordThatIsNoBatchIsReported) {
  Append(RecordKind::kBatch, "nonsense");
  const auto reader = log_->NewReader(0);
  const std::vector<uint32_t> none;
  EXPECT_TRUE(absl::IsDataLoss(
      FindRecentUses(**reader, 1, ResolveLearnerSpec(spec_).value(), kSlots, none).status()));
}

}  // namespace
}  // namespace freshet
