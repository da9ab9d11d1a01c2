#include "client/command/watch_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/command/sparkline.h"
#include "client/command/text.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::Model Model(uint64_t examples) {
  v1::Model model;
  model.set_name("models/ctr");
  model.set_durability(v1::DURABILITY_FSYNC);
  model.set_example_count(examples);
  model.set_queued_example_count(1024);
  model.set_offset(77);
  model.mutable_storage()->set_logged_offset(76);
  v1::Variant& variant = *model.add_variants();
  variant.set_champion(true);
  variant.mutable_learner()->set_loss(v1::LOSS_LOGISTIC);
  variant.mutable_learner()->mutable_adagrad();
  v1::ProgressiveMetrics& metrics = *variant.mutable_metrics();
  metrics.set_example_count(examples);
  metrics.set_loss(0.5);
  metrics.set_base_rate_loss(0.6);
  metrics.set_decayed_loss(0.4);
  metrics.set_decayed_base_rate_loss(0.5);
  metrics.set_auc(0.75);
  return model;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

TEST(SparklineTest, RunsFromTheLeastToTheGreatest) {
  EXPECT_EQ(Sparkline({1.0, 2.0, 8.0, std::nullopt, 4.0}, 7), "  ▁▂█ ▄");
  EXPECT_EQ(Sparkline({1.0, 2.0, 8.0}, 2), "▁█");
  EXPECT_EQ(Sparkline({3.0, 3.0}, 2), "▁▁");
  EXPECT_EQ(Sparkline({}, 3), "   ");
}

TEST(WatchViewTest, ShowsHowFiguresMove) {
  WatchView view;
  view.Add(10, Model(1000));
  view.Add(12, Model(5000));
  view.Add(13, Model(5000));
  const std::string picture = Joined(view.Picture(100));
  EXPECT_THAT(picture, StartsWith("ctr: logistic loss, adagrad, "));
  EXPECT_THAT(picture, HasSubstr("recent loss  0.40000  "));
  EXPECT_THAT(picture, HasSubstr("base rate 0.50000, 20.0 % better\n"));
  EXPECT_THAT(picture, HasSubstr("AUC           0.7500"));
  EXPECT_THAT(picture, HasSubstr(" █▁  5,000 in all\n"));
  EXPECT_THAT(picture, HasSubstr("logged 76, in a snapshot 0\n"));
  EXPECT_THAT(view.Line(), StartsWith("ctr: 5,000 examples, 0 a second, recent loss 0.4000"));
}

TEST(WatchViewTest, CountsExamplesASecond) {
  WatchView view;
  view.Add(10, Model(1000));
  EXPECT_THAT(view.Line(), HasSubstr("1,000 examples, - a second"));
  view.Add(12, Model(5000));
  EXPECT_THAT(view.Line(), HasSubstr("5,000 examples, 2,000 a second"));
  view.Add(13, Model(10));  // Restored.
  EXPECT_THAT(view.Line(), HasSubstr("10 examples, - a second"));
}

TEST(WatchViewTest, StaysWithinItsWidth) {
  WatchView view;
  for (int i = 0; i < 500; ++i) view.Add(i, Model(static_cast<uint64_t>(i) * 1000));
  for (const size_t width : {1U, 20U, 40U, 80U, 200U}) {
    for (const std::string& line : view.Picture(width)) EXPECT_LE(DisplayWidth(line), width);
  }
}

TEST(WatchViewTest, SaysThatNothingIsLearnedYet) {
  v1::Model model;
  model.set_name("models/ctr");
  WatchView view;
  view.Add(1, model);
  EXPECT_THAT(Joined(view.Picture(80)), HasSubstr("nothing learned yet"));
  EXPECT_THAT(view.Json(), StartsWith(R"({"model":"ctr","examples":0,"examplesPerSecond":null,)"
                                      R"("loss":null,)"));
}

}  // namespace
}  // namespace freshet
