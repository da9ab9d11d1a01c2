#include "server/service/weight_report.h"

#include <memory>
#include <vector>

#include "core/feature/hash.h"
#include "core/model/factory.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A learner of 1024 slots to which feature 3 means yes and feature 4, less often, no.
class WeightReportTest : public testing::Test {
 protected:
  WeightReportTest() {
    LearnerSpec spec;
    spec.linear.bits = 10;
    learner_ = MakeLearner(spec).value();
    Learn(30);
    names_.Add(3, "user", "ann");
    names_.Add(1024 + 3, "ad", "a7");
    names_.Add(4, "user", "bob");
  }

  void Learn(int count) {
    ExampleBatchBuilder builder;
    for (int i = 0; i < count; ++i) {
      builder.BeginRow(i % 3 == 0 ? 0.0f : 1.0f, 1);
      builder.AddFeature(builder.Namespace("user"), i % 3 == 0 ? 4 : 3, 1);
      builder.EndRow();
    }
    std::vector<float> scores(static_cast<size_t>(count));
    learner_->LearnBatch(builder.View(), scores);
  }

  v1::ListTopWeightsResponse TopWeights(uint32_t limit) const {
    TopWeightsScan scan(*learner_, ReportLimit(limit));
    while (scan.ReadPart()) continue;
    return ReportTopWeights(*learner_, scan.Take(), finder_);
  }

  v1::CompareSnapshotsResponse Changes(const Learner& old_learner, const Learner& new_learner,
                                       uint32_t limit) const {
    WeightComparisonScan scan(old_learner, new_learner, ReportLimit(limit));
    while (scan.ReadPart()) continue;
    return ReportChanges(scan.Take(), new_learner.slot_count(), finder_);
  }

  std::unique_ptr<Learner> learner_;
  FeatureNames names_;
  const NameFinder finder_ = [this](std::span<const uint32_t> slots, uint64_t slot_count) {
    return names_.Find(slots, slot_count);
  };
};

TEST_F(WeightReportTest, NamesTheLargestWeightsAndWhatSharesThem) {
  const v1::ListTopWeightsResponse report = TopWeights(0);
  ASSERT_EQ(report.features_size(), 2);
  EXPECT_GT(std::abs(report.features(0).weight()), std::abs(report.features(1).weight()));
  const bool three_first = report.features(0).slot() == 3;
  const v1::WeightedFeature& three = report.features(three_first ? 0 : 1);
  const v1::WeightedFeature& four = report.features(three_first ? 1 : 0);
  EXPECT_EQ(three.slot(), 3U);
  EXPECT_THAT(three.names(), ElementsAre("user^ann", "ad^a7"));
  EXPECT_GT(three.weight(), 0);
  EXPECT_GT(three.evidence(), 0);
  EXPECT_THAT(four.names(), ElementsAre("user^bob"));
  EXPECT_LT(four.weight(), 0);
  EXPECT_NE(report.intercept(), 0);
  EXPECT_EQ(TopWeights(1).features_size(), 1);
}

TEST_F(WeightReportTest, PutsTheExamplesOwnNameFirst) {
  FeatureNames own;
  own.Add(1024 + 3, "ad", "a7");
  own.Add(900, "ad", "never seen");
  ExampleBatchBuilder builder;
  builder.BeginRow(0, 1);
  builder.AddFeature(builder.Namespace("ad"), 900, 0.5f);
  builder.AddFeature(builder.Namespace("ad"), 1024 + 3, 2);
  builder.EndRow();
  const v1::ExplainResponse report =
      ReportExplanation(*learner_, finder_, builder.View(), own, -0.5f);
  ASSERT_EQ(report.contributions_size(), 2);
  const v1::Contribution& known = report.contributions(0);  // The largest first.
  EXPECT_THAT(known.feature().names(), ElementsAre("ad^a7", "user^ann"));
  EXPECT_EQ(known.feature().slot(), 3U);
  EXPECT_EQ(known.value(), 2);
  EXPECT_EQ(known.contribution(), 2 * known.feature().weight());
  const v1::Contribution& unknown = report.contributions(1);
  EXPECT_THAT(unknown.feature().names(), ElementsAre("ad^never seen"));
  EXPECT_EQ(unknown.contribution(), 0);
  EXPECT_NEAR(report.score(), report.intercept() + known.contribution(), 1e-6);
  EXPECT_NEAR(report.intercept(), TopWeights(1).intercept() - 0.5, 1e-6);
  EXPECT_EQ(report.prediction(), learner_->Prediction(static_cast<float>(report.score())));
}

TEST_F(WeightReportTest, TellsWhatChanged) {
  LearnerSpec spec;
  spec.linear.bits = 10;
  const std::unique_ptr<Learner> empty = MakeLearner(spec).value();
  const v1::CompareSnapshotsResponse report = Changes(*empty, *learner_, 1);
  EXPECT_EQ(report.changed_count(), 2U);
  EXPECT_EQ(report.added_count(), 2U);
  EXPECT_EQ(report.removed_count(), 0U);
  ASSERT_EQ(report.changes_size(), 1);
  EXPECT_EQ(report.changes(0).old_weight(), 0);
  EXPECT_NE(report.changes(0).feature().weight(), 0);
  EXPECT_FALSE(report.changes(0).feature().names().empty());
  EXPECT_EQ(Changes(*learner_, *empty, 9).removed_count(), 2U);
  EXPECT_THAT(Changes(*learner_, *learner_, 9).changes(), IsEmpty());
}

}  // namespace
}  // namespace freshet
