#include "client/command/model_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ModelTextTest, SaysWhatAModelTakesOnDisk) {
  v1::Model model;
  model.set_name("models/ctr");
  model.set_durability(v1::DURABILITY_FSYNC);
  model.mutable_log_retention()->set_max_age_s(uint64_t{7} * 86400);
  v1::Storage& storage = *model.mutable_storage();
  storage.set_log_bytes(1'234'567);
  storage.set_log_first_offset(1000);
  storage.set_logged_offset(2000);
  storage.set_snapshot_bytes(5'000'000);
  storage.set_snapshot_count(3);
  storage.set_snapshot_offset(1900);
  storage.set_last_pause_ms(1.234);
  storage.set_sync_count(4321);
  storage.set_sync_p50_ms(0.5);
  storage.set_sync_p99_ms(2);
  const std::string text = DescribeModel(model);
  EXPECT_THAT(text, HasSubstr("log            1.2 MB, from offset 1,000, logged up to 2,000\n"));
  EXPECT_THAT(text, HasSubstr("log retention  7d\n"));
  EXPECT_THAT(text, HasSubstr("log syncs      4,321, p50 0.50 ms, p99 2.00 ms\n"));
  EXPECT_THAT(text, HasSubstr("snapshots      3, 5.0 MB, the newest at offset 1,900\n"));
  EXPECT_THAT(text, HasSubstr("last pause     1.23 ms\n"));
}

TEST(ModelTextTest, SaysNothingOfALogThatIsNotThere) {
  v1::Model model;
  model.set_durability(v1::DURABILITY_NONE);
  const std::string text = DescribeModel(model);
  EXPECT_THAT(text, HasSubstr("snapshots   none\n"));
  EXPECT_THAT(text, Not(HasSubstr("log")));
}

TEST(ModelTextTest, SaysWhatIsMadeOfFeatures) {
  v1::Model model;
  v1::FeatureSpec& features = *model.add_variants()->mutable_learner()->mutable_features();
  features.add_interactions()->add_namespaces("user");
  features.mutable_interactions(0)->add_namespaces("*");
  features.add_numerics()->set_namespace_("age");
  features.mutable_numerics(0)->set_kind(v1::NumericTransform::KIND_STANDARDIZE);
  features.set_admit_after(3);
  features.set_expire_after_examples(100'000);
  v1::TableUsage& usage = *model.mutable_variants(0)->mutable_table();
  usage.set_used_slot_count(1000);
  usage.set_feature_count(1100);
  usage.set_collision_share(0.125);
  const std::string text = DescribeModel(model);
  EXPECT_THAT(text, HasSubstr("admission     after 3 sightings\n"));
  EXPECT_THAT(text, HasSubstr("expiry        after 100,000 examples\n"));
  EXPECT_THAT(text, HasSubstr("table use     1,000 slots used, by about 1,100 features, 12.50 % of "
                              "which share a slot\n"));
  EXPECT_THAT(text, HasSubstr("interactions  user*:\n"));
  EXPECT_THAT(text, HasSubstr("numbers       age=standardize\n"));
  EXPECT_THAT(text, Not(HasSubstr("n-grams")));
}

TEST(ModelTextTest, ListsThePartsOfAMixtureByWeight) {
  v1::Model model;
  v1::Variant& variant = *model.add_variants();
  EXPECT_THAT(DescribeModel(model), Not(HasSubstr("mixture")));
  v1::MixturePart* part = variant.add_mixture();
  part->set_name("coin");
  part->set_weight(0.25);
  part->set_decayed_loss(0.5);
  part = variant.add_mixture();
  part->set_name("newton");
  part->set_weight(0.75);
  part->set_decayed_loss(0.375);
  const std::string text = DescribeModel(model);
  EXPECT_THAT(text, HasSubstr("mixture     75.0 % newton, decayed loss 0.37500\n"));
  EXPECT_THAT(text, HasSubstr("            25.0 % coin, decayed loss 0.50000\n"));
}

}  // namespace
}  // namespace freshet
