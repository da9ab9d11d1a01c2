#include "server/http/figure_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>

#include "absl/time/time.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::Model ModelAt(uint64_t offset) {
  v1::Model model;
  model.set_offset(offset);
  model.set_example_count(10 * offset);
  v1::Variant& champion = *model.add_variants();
  champion.set_champion(true);
  champion.mutable_metrics()->set_example_count(10 * offset);
  champion.mutable_metrics()->set_decayed_loss(0.25);
  return model;
}

class FigureHistoryTest : public testing::Test {
 protected:
  std::shared_ptr<FigureHistory> Make(size_t max_samples, size_t max_models) {
    return std::make_shared<FigureHistory>(FigureHistory::Options{
        .max_samples = max_samples, .max_models = max_models, .clock = [this] {
          return absl::FromUnixMillis(now_ms_);
        }});
  }

  // Adds a sample a millisecond later.
  void Add(FigureHistory& history, const std::string& id, const v1::Model& model) {
    ++now_ms_;
    history.Add(id, model);
  }

  int64_t now_ms_ = 0;
};

TEST_F(FigureHistoryTest, KeepsTheNewestSamplesOfAModel) {
  const auto history = Make(2, 10);
  EXPECT_THAT(history->Json("ctr"), HasSubstr("\"samples\":[]}"));
  for (uint64_t offset = 1; offset <= 3; ++offset) Add(*history, "ctr", ModelAt(offset));
  EXPECT_EQ(history->Json("ctr"),
            "{\"now\":3,\"fields\":[\"t\",\"examples\",\"offset\",\"logged\",\"snapshot\",\"loss\","
            "\"baseLoss\",\"auc\",\"error\",\"queued\",\"labels\"],\"samples\":["
            "[2,20,2,0,0,0.25,0,null,null,0,null],[3,30,3,0,0,0.25,0,null,null,0,null]]}\n");
  EXPECT_THAT(history->Json("other"), HasSubstr("\"samples\":[]}"));
}

TEST_F(FigureHistoryTest, FiguresThatAreNoneAreNull) {
  const auto history = Make(2, 10);
  v1::Model model = ModelAt(0);
  Add(*history, "ctr", model);
  EXPECT_THAT(history->Json("ctr"), HasSubstr("[1,0,0,0,0,null,null,null,null,0,null]"));
  model = ModelAt(1);
  model.mutable_variants(0)->mutable_metrics()->set_decayed_loss(
      std::numeric_limits<double>::infinity());
  Add(*history, "ctr", model);
  EXPECT_THAT(history->Json("ctr"), HasSubstr("[2,10,1,0,0,null,0,null,null,0,null]"));
}

TEST_F(FigureHistoryTest, HasWhatBecameOfEventsOfAModelWithALabelRule) {
  const auto history = Make(2, 10);
  v1::Model model = ModelAt(1);
  model.set_queued_example_count(7);
  v1::LabelFigures& labels = *model.mutable_labels();
  labels.set_pending_count(1);
  labels.set_held_count(2);
  labels.set_matched_count(3);
  labels.set_defaulted_count(4);
  labels.set_dropped_count(5);
  labels.set_corrected_count(6);
  labels.set_late_count(7);
  labels.set_expired_count(8);
  labels.set_unmatched_count(9);
  Add(*history, "ctr", model);
  EXPECT_THAT(history->Json("ctr"),
              HasSubstr(R"(null,7,{"pending":1,"held":2,"matched":3,"defaulted":4,"dropped":5,)"
                        R"("corrected":6,"late":7,"expired":8,"unmatched":9}]])"));
}

TEST_F(FigureHistoryTest, TheModelThatWasIdleLongestIsDropped) {
  const auto history = Make(2, 2);
  Add(*history, "a", ModelAt(1));
  Add(*history, "b", ModelAt(1));
  Add(*history, "a", ModelAt(2));
  Add(*history, "c", ModelAt(1));
  EXPECT_THAT(history->Json("b"), HasSubstr("\"samples\":[]}"));
  EXPECT_THAT(history->Json("a"), Not(HasSubstr("\"samples\":[]}")));
  EXPECT_THAT(history->Json("c"), Not(HasSubstr("\"samples\":[]}")));
}

}  // namespace
}  // namespace freshet
