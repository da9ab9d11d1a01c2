#include "server/http/model_figures.h"
#include "tests/server/model/served_model_peer.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/server/registry/registry_test.h"

namespace freshet {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kImpatience = absl::Milliseconds(1);

// A registry with a thread for each model as long as there are at most two.
class ModelFiguresTest : public RegistryTest {
 public:
  ~ModelFiguresTest() override {
    for (const auto models = registry_.models(); const auto& [id, model] : *models) Close(*model);
  }

 protected:
  static void Close(ServedModel& model) {
    const auto drained = std::make_shared<std::latch>(1);
    PipelineOf(model).Close(absl::UnavailableError("closed"), [drained] { drained->count_down(); });
    drained->wait();
  }

  // Keeps the model's writer busy until the latch is counted down.
  static std::shared_ptr<std::latch> HoldUp(ServedModel& model) {
    auto let_go = std::make_shared<std::latch>(1);
    const auto held = std::make_shared<std::latch>(1);
    PipelineOf(model).RunOnWriter([let_go, held](ModelState&) {
      held->count_down();
      let_go->wait();
    });
    held->wait();
    return let_go;
  }

  // Gives the model a record, so that its figures differ from those that were last gathered.
  static void MoveOn(ServedModel& model) {
    const auto done = std::make_shared<std::latch>(1);
    PipelineOf(model).SubmitSettings({}, [done](const LearnOutcome&) { done->count_down(); });
    done->wait();
  }

  std::vector<std::string> Ids(absl::Duration patience) {
    std::vector<std::string> ids;
    for (const ModelFigures::Figures& figures : figures_.Gather(patience)) {
      EXPECT_EQ(figures.model->name(), figures.runtime->name());
      ids.push_back(figures.runtime->id());
    }
    return ids;
  }

  ModelFigures figures_{registry_};
};

using Names = std::vector<std::string>;

TEST_F(ModelFiguresTest, GathersAllModelsById) {
  EXPECT_EQ(Ids(kPatience), Names());
  Create("b");
  Create("a");
  EXPECT_EQ(Ids(kPatience), (Names{"a", "b"}));
}

TEST_F(ModelFiguresTest, ALateModelIsGivenAsItWas) {
  Create("a");
  const auto busy = Create("b");
  const auto before = figures_.Gather(kPatience);
  ASSERT_EQ(before.size(), 2U);
  MoveOn(*busy);
  const auto let_go = HoldUp(*busy);
  for (int i = 0; i < 3; ++i) {
    const auto late = figures_.Gather(kImpatience);
    ASSERT_EQ(late.size(), 2U);
    EXPECT_EQ(late[1].model, before[1].model);  // The same object.
  }
  let_go->count_down();
  const auto after = figures_.Gather(kPatience);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_NE(after[1].model, before[1].model);
}

TEST_F(ModelFiguresTest, AModelThatHasLearnedNothingSinceIsNotLate) {
  const auto busy = Create("b");
  ASSERT_EQ(figures_.Gather(kPatience).size(), 1U);
  const auto let_go = HoldUp(*busy);
  const auto figures = figures_.Gather(kPatience);
  let_go->count_down();
  ASSERT_EQ(figures.size(), 1U);
  EXPECT_EQ(figures[0].model->offset(), 0U);
}

TEST_F(ModelFiguresTest, ALateModelThatNeverAnsweredIsLeftOut) {
  const auto busy = Create("b");
  const auto let_go = HoldUp(*busy);
  EXPECT_EQ(Ids(kImpatience), Names());
  let_go->count_down();
  EXPECT_EQ(Ids(kPatience), Names{"b"});
}

TEST_F(ModelFiguresTest, AModelThatReplacesADeletedOneDoesNotTakeItsFigures) {
  const auto old = Create("a");
  EXPECT_EQ(Ids(kPatience), Names{"a"});
  ASSERT_TRUE(Delete("a").ok());
  EXPECT_EQ(Ids(kPatience), Names());
  const auto replacement = Create("a");
  const auto let_go = HoldUp(*replacement);
  EXPECT_EQ(Ids(kImpatience), Names());
  let_go->count_down();
  EXPECT_EQ(Ids(kPatience), Names{"a"});
}

}  // namespace
}  // namespace freshet
