#include "client/command/model_list_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

v1::Model Model(const std::string& id, uint64_t examples) {
  v1::Model model;
  model.set_name("models/" + id);
  model.set_uid("uid of " + id);
  model.set_example_count(examples);
  model.set_queued_example_count(512);
  model.add_variants()->set_table_bytes(2'000'000);
  model.add_variants()->set_table_bytes(1'000'000);
  v1::ProgressiveMetrics& metrics = *model.mutable_variants(0)->mutable_metrics();
  metrics.set_example_count(examples);
  metrics.set_decayed_loss(0.25);
  return model;
}

TEST(ModelListViewTest, ShowsTheRateSinceTheUpdateBefore) {
  ModelListView view;
  view.Add(100, {Model("ctr", 1000)});
  EXPECT_THAT(view.TableText(), ContainsRegex("ctr +serving +1,000 +- +512 +0 +0.25000 +3.0 MB\n"));
  EXPECT_THAT(view.Json(), HasSubstr(R"("examplesPerSecond":null)"));
  view.Add(102, {Model("ctr", 5000), Model("new", 7)});
  EXPECT_THAT(view.TableText(), ContainsRegex("ctr +serving +5,000 +2,000 +512"));
  EXPECT_THAT(view.TableText(), ContainsRegex("new +serving +7 +- +512"));
  EXPECT_THAT(view.Json(), HasSubstr(R"("model":"ctr","state":"serving","examples":5000,)"
                                     R"("examplesPerSecond":2000,"queued":512,"offset":0,)"
                                     R"("recentLoss":0.25,"tableBytes":3000000)"));
}

TEST(ModelListViewTest, AfterARestoreThereIsNoRate) {
  ModelListView view;
  view.Add(1, {Model("ctr", 1000)});
  view.Add(2, {Model("ctr", 10)});
  EXPECT_THAT(view.TableText(), ContainsRegex("ctr +serving +10 +- "));
}

TEST(ModelListViewTest, AModelWithTheNameOfADeletedOneBeginsAnew) {
  ModelListView view;
  view.Add(1, {Model("ctr", 1000)});
  v1::Model again = Model("ctr", 2000);
  again.set_uid("another");
  view.Add(2, {again});
  EXPECT_THAT(view.TableText(), ContainsRegex("ctr +serving +2,000 +- "));
}

TEST(ModelListViewTest, DamagedModelsAndNoModelsAreNamed) {
  ModelListView view;
  view.Add(1, {});
  EXPECT_THAT(view.TableText(), HasSubstr("no models yet"));
  EXPECT_EQ(view.Json(), R"({"models":[]})");
  v1::Model damaged = Model("ctr", 0);
  damaged.set_state(v1::MODEL_STATE_DAMAGED);
  view.Add(2, {damaged});
  EXPECT_THAT(view.TableText(), ContainsRegex("ctr +damaged +- "));
}

}  // namespace
}  // namespace freshet
