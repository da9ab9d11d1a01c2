#include "client/command/weight_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/command/text.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::WeightedFeature Feature(uint32_t slot, double weight, const char* name = nullptr) {
  v1::WeightedFeature feature;
  feature.set_slot(slot);
  feature.set_weight(weight);
  if (name != nullptr) feature.add_names(name);
  return feature;
}

TEST(WeightTextTest, NumbersHaveTheirSign) {
  EXPECT_EQ(SignedNumber(1.23456), "+1.2346");
  EXPECT_EQ(SignedNumber(-0.5), "-0.5000");
  EXPECT_EQ(SignedNumber(0), "0");
  EXPECT_EQ(SignedNumber(-1.5e-7), "-1.500e-07");
  EXPECT_EQ(SignedNumber(2e9), "+2.000e+09");
}

TEST(WeightTextTest, FeaturesHaveNamesOrElseTheirSlot) {
  v1::WeightedFeature feature = Feature(17, 1);
  EXPECT_EQ(FeatureText(feature), "#17");
  feature.add_names("user^ann");
  EXPECT_EQ(FeatureText(feature), "user^ann");
  feature.add_names("ad^\x1b[2J");
  EXPECT_EQ(FeatureText(feature), "user^ann / ad^?[2J");
}

TEST(WeightTextTest, BarsGrowFromTheMiddle) {
  EXPECT_EQ(SignedBar(2, 2), "          │██████████");
  EXPECT_EQ(SignedBar(-1, 2), "     █████│          ");
  EXPECT_EQ(SignedBar(0.1, 2), "          │▌         ");
  EXPECT_EQ(SignedBar(-0.3, 2), "        ▐█│          ");
  EXPECT_EQ(SignedBar(0, 2), "          │          ");
  EXPECT_EQ(SignedBar(0, 0), "          │          ");
}

TEST(WeightTextTest, WeightsAreATable) {
  v1::ListTopWeightsResponse weights;
  weights.set_offset(1234);
  weights.set_intercept(-1.5);
  *weights.add_features() = Feature(3, 2, "user^ann");
  weights.mutable_features(0)->set_evidence(1234.4);
  *weights.add_features() = Feature(4, -1);
  EXPECT_EQ(WeightsText("ctr", weights),
            "ctr: the 2 largest weights at offset 1,234; intercept -1.5000\n"
            "FEATURE    WEIGHT                         EVIDENCE\n"
            "user^ann  +2.0000            │██████████     1,234\n"
            "#4        -1.0000       █████│                   -\n");
  EXPECT_EQ(WeightsText("ctr", v1::ListTopWeightsResponse()),
            "ctr: all weights are 0 at offset 0; intercept 0\n");
}

TEST(WeightTextTest, SaysWhereNamesCollide) {
  v1::ListTopWeightsResponse weights;
  *weights.add_features() = Feature(3, 2, "user^ann");
  EXPECT_THAT(WeightsText("ctr", weights), Not(HasSubstr("collide")));
  weights.mutable_features(0)->add_names("ad^a7");
  EXPECT_THAT(WeightsText("ctr", weights), HasSubstr("user^ann / ad^a7"));
  EXPECT_THAT(WeightsText("ctr", weights), HasSubstr("collide"));
}

TEST(WeightTextTest, ExplanationsEndInThePrediction) {
  v1::ExplainResponse explanation;
  explanation.set_intercept(-1);
  explanation.set_score(1);
  explanation.set_prediction(0.75);
  v1::Contribution& feature = *explanation.add_contributions();
  *feature.mutable_feature() = Feature(3, 4, "stats^age");
  feature.set_value(0.5);
  feature.set_contribution(2);
  EXPECT_EQ(ExplanationText(v1::LOSS_LOGISTIC, explanation),
            "FEATURE      VALUE   WEIGHT  EVIDENCE  CONTRIBUTION\n"
            "stats^age      0.5  +4.0000         -       +2.0000            │██████████\n"
            "intercept                                   -1.0000       █████│\n"
            "score                                       +1.0000\n"
            "probability                                  0.7500\n");
  EXPECT_THAT(ExplanationText(v1::LOSS_POISSON, explanation), HasSubstr("expected count"));
}

TEST(WeightTextTest, ExplanationsTellWhenWeightsWereLearnedWhereThatIsKnown) {
  v1::ExplainResponse explanation;
  explanation.set_recent_example_count(5000);
  v1::Contribution& feature = *explanation.add_contributions();
  *feature.mutable_feature() = Feature(3, 4, "stats^age");
  v1::RecentUse& use = *feature.mutable_feature()->mutable_recent_use();
  use.set_example_count(1234);
  use.set_last_offset(77);
  use.set_examples_since(3);
  *explanation.add_contributions()->mutable_feature() = Feature(4, 0, "ad^new");
  const std::string text = ExplanationText(v1::LOSS_LOGISTIC, explanation);
  EXPECT_THAT(text, HasSubstr("  1,234  offset 77, 3 ago  "));
  EXPECT_THAT(text, HasSubstr("      0                 -  "));
  EXPECT_THAT(text, HasSubstr("of the newest 5,000 examples in the log.\n"));
}

TEST(WeightTextTest, ChangesSayHowManyThereAre) {
  v1::CompareSnapshotsResponse changes;
  changes.set_old_offset(10);
  changes.set_new_offset(2000);
  changes.set_changed_count(1234);
  changes.set_added_count(2);
  changes.set_removed_count(1);
  EXPECT_EQ(ChangesText("ctr", changes),
            "ctr: 1,234 weights changed from offset 10 to 2,000, 2 of them from 0, 1 to 0\n");
  v1::WeightChange& change = *changes.add_changes();
  *change.mutable_feature() = Feature(3, -1, "user^ann");
  change.set_old_weight(2);
  EXPECT_THAT(ChangesText("ctr", changes),
              HasSubstr("user^ann  +2.0000  -1.0000  -3.0000  ██████████│\n"));
}

}  // namespace
}  // namespace freshet
