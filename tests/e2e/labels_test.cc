// Labels that come later, by the real programs: events, feedback, and what is learned of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "core/base/str_cat.h"
#include "freshet/v1/event_service.pb.h"
#include "tests/support/server_fixture.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class LabelsTest : public ServerFixture {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(Start()); }

  CommandResult Freshet(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), {BinaryDir() + "/freshet", "--server", server_->address()});
    return RunCommand(arguments, input);
  }
  void Run(const std::vector<std::string>& arguments, const std::string& input = "") const {
    const CommandResult result = Freshet(arguments, input);
    ASSERT_EQ(result.code, 0) << result.err;
  }

  v1::LabelFigures Figures(const std::string& model) const {
    const auto described = client_->GetModel(model);
    EXPECT_TRUE(described.ok()) << described.status();
    return described.ok() ? described->labels() : v1::LabelFigures();
  }

  // Waits until the model's figures are as they should be.
  void Await(const std::string& model,
             const std::function<bool(const v1::LabelFigures&)>& reached) const {
    const absl::Time deadline = absl::Now() + absl::Minutes(2);
    v1::LabelFigures figures = Figures(model);
    while (!reached(figures) && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(20));
      figures = Figures(model);
    }
    ASSERT_TRUE(reached(figures)) << figures.ShortDebugString();
  }
  // Waits until `count` events were learned.
  void AwaitLearned(const std::string& model, uint64_t count) const {
    Await(model, [count](const v1::LabelFigures& figures) {
      return figures.matched_count() + figures.defaulted_count() == count;
    });
  }

  std::string Write(const std::string& name, const std::string& text) const {
    std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  // Rows [first, end) of a stream, one a second. Every third is clicked.
  static std::string Features(int row) {
    return StrCat(R"("user": "u)", row % 7, R"(", "ad": "a)", row % 3, "\"");
  }
  static constexpr int64_t kStart = 1'700'000'000;
  std::string WriteEvents(const std::string& name, int first, int end) const {
    std::string text;
    for (int row = first; row < end; ++row) {
      text += StrCat(R"({"id": "e)", row, R"(", "at": )", kStart + row, ", ", Features(row), "}\n");
    }
    return Write(name, text);
  }
  std::string WriteClicks(const std::string& name, int first, int end) const {
    std::string text;
    for (int row = first; row < end; ++row) {
      if (row % 3 != 0) continue;
      text +=
          StrCat(R"({"event_id": "e)", row, R"(", "name": "click", "time": )", kStart + row, "}\n");
    }
    return Write(name, text);
  }
  std::string WriteLabelled(const std::string& name, int first, int end) const {
    std::string text;
    for (int row = first; row < end; ++row) {
      text += StrCat("{\"label\": ", row % 3 == 0 ? 1 : 0, ", ", Features(row), "}\n");
    }
    return Write(name, text);
  }
};

TEST_F(LabelsTest, APredictionIsLearnedOnceItsFeedbackCame) {
  Run({"models", "create", "ads", "--learner", "adagrad", "--wait", "2m", "--horizon", "1h",
       "--feedback", "click", "--label-policy", "at-feedback"});
  const CommandResult predicted =
      Freshet({"predict", "ads", "--log", "--event-id", "id", "--wait", "--format", "jsonl", "-"},
              "{\"id\": \"shown\", \"user\": \"ann\"}\n{\"id\": \"missed\", \"user\": \"bob\"}\n");
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(predicted.out, "0.5 0 shown\n0.5 0 missed\n");
  Run({"feedback", "ads", "--format", "jsonl", "-"},
      "{\"event_id\": \"shown\", \"name\": \"click\"}\n");
  AwaitLearned("ads", 1);

  const CommandResult event = Freshet({"events", "get", "ads", "shown"});
  ASSERT_EQ(event.code, 0) << event.err;
  EXPECT_THAT(event.out, AllOf(HasSubstr("matched"), HasSubstr("user^ann"), HasSubstr("click 1 at"),
                               HasSubstr("label 1, weight 1")));
  const CommandResult pending = Freshet({"events", "list", "ads", "--pending"});
  ASSERT_EQ(pending.code, 0) << pending.err;
  EXPECT_THAT(pending.out, HasSubstr("missed"));
  EXPECT_THAT(pending.out, testing::Not(HasSubstr("shown")));
  EXPECT_EQ(Freshet({"events", "get", "ads", "other"}).code, 66);

  const CommandResult described = Freshet({"models", "describe", "ads"});
  EXPECT_THAT(described.out,
              AllOf(HasSubstr("at-feedback, wait 2m, horizon 1h"),
                    HasSubstr("learned with feedback"), HasSubstr("loss as served")));
  EXPECT_EQ(client_->GetModel("ads")->example_count(), 1U);
}

TEST_F(LabelsTest, TheServerMakesIdsForRowsWithoutOne) {
  Run({"models", "create", "ads", "--wait", "1h"});
  const CommandResult predicted =
      Freshet({"--json", "predict", "ads", "--log", "--wait", "--format", "jsonl", "-"},
              "{\"user\": \"ann\"}\n");
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  const size_t at = predicted.out.find("\"eventId\":");
  ASSERT_NE(at, std::string::npos) << predicted.out;
  const size_t begin = predicted.out.find('"', at + 10) + 1;
  const std::string id = predicted.out.substr(begin, predicted.out.find('"', begin) - begin);
  ASSERT_FALSE(id.empty());
  Await("ads", [](const v1::LabelFigures& figures) { return figures.pending_count() == 1; });
  EXPECT_EQ(Freshet({"events", "get", "ads", id}).code, 0);
}

// Events by time, with all their feedback in time, give the model that labels at once give.
TEST_F(LabelsTest, ABackfillLearnsWhatLabelsAtOnceGive) {
  constexpr int kRows = 600;
  constexpr int kWait = 20;
  Run({"models", "create", "later", "--learner", "adagrad", "--bits", "12", "--wait", StrCat(kWait),
       "--feedback", "click"});
  Run({"models", "create", "at-once", "--learner", "adagrad", "--bits", "12"});
  Run({"push", "later", WriteEvents("events.jsonl", 0, kRows), "--events", "--event-id", "id",
       "--time", "at"});
  Run({"feedback", "later", WriteClicks("clicks.jsonl", 0, kRows)});
  // Stream time ends with the last click; the newest events wait on, by the server's clock.
  Await("later", [](const v1::LabelFigures& figures) {
    return figures.matched_count() + figures.defaulted_count() + kWait + 3 >= uint64_t{kRows};
  });
  AwaitLearned("later", kRows);
  Run({"push", "at-once", WriteLabelled("rows.jsonl", 0, kRows)});

  const v1::LabelFigures figures = Figures("later");
  EXPECT_EQ(figures.event_count(), uint64_t{kRows});
  EXPECT_EQ(figures.matched_count(), uint64_t{kRows / 3});
  EXPECT_EQ(figures.late_count(), 0U);
  const auto later = client_->GetModel("later");
  const auto at_once = client_->GetModel("at-once");
  ASSERT_EQ(later->example_count(), at_once->example_count());
  EXPECT_NEAR(later->variants(0).metrics().loss(), at_once->variants(0).metrics().loss(), 1e-6);
  const std::string asked = "{\"user\": \"u3\", \"ad\": \"a0\"}\n";
  EXPECT_EQ(Freshet({"predict", "later", "--format", "jsonl", "-"}, asked).out,
            Freshet({"predict", "at-once", "--format", "jsonl", "-"}, asked).out);
}

TEST_F(LabelsTest, AfterAKillTheModelIsTheSameAndEventsAreStillJoined) {
  constexpr int kRows = 300;
  Run({"models", "create", "ads", "--learner", "adagrad", "--bits", "12", "--wait", "1h",
       "--feedback", "click", "--label-policy", "at-feedback"});
  Run({"push", "ads", WriteEvents("events.jsonl", 0, kRows), "--events", "--event-id", "id"});
  const std::string first = WriteClicks("first.jsonl", 0, 150);
  Run({"feedback", "ads", first, "--producer-id", "clicks"});
  AwaitLearned("ads", 50);
  const std::string digest = client_->ComputeDigest("ads")->digest;

  EXPECT_EQ(server_->Kill().signal, SIGKILL);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ads")->digest, digest);
  EXPECT_EQ(Figures("ads").matched_count(), 50U);

  const CommandResult again = Freshet({"feedback", "ads", first, "--producer-id", "clicks"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("50 already known"));
  Run({"feedback", "ads", WriteClicks("second.jsonl", 150, kRows), "--producer-id", "more"});
  AwaitLearned("ads", 100);
  const std::string later = client_->ComputeDigest("ads")->digest;
  EXPECT_NE(later, digest);
  EXPECT_EQ(server_->Kill().signal, SIGKILL);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ads")->digest, later);
}

TEST_F(LabelsTest, RefusedFeedbackIsNamedAndTheRestAccepted) {
  Run({"models", "create", "ads", "--wait", "1h"});
  const std::string long_id(129, 'x');
  const std::string path = Write(
      "mixed.jsonl", StrCat(R"({"event_id": "a", "name": "click"})", "\n", R"({"event_id": ")",
                            long_id, "\"}\n", R"({"event_id": "b", "name": "click"})", "\n"));
  const CommandResult stopped = Freshet({"feedback", "ads", path});
  EXPECT_EQ(stopped.code, 65);
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("mixed.jsonl:2"), HasSubstr("event_id")));
  const CommandResult skipped = Freshet({"--json", "feedback", "ads", path, "--skip-errors"});
  EXPECT_EQ(skipped.code, 0) << skipped.err;
  EXPECT_THAT(skipped.out, AllOf(HasSubstr("\"accepted\":2"), HasSubstr("\"refused\":1")));
}

TEST_F(LabelsTest, WrongUseIsExplained) {
  CreateModel("plain");
  const CommandResult no_rule =
      Freshet({"predict", "plain", "--log", "--format", "jsonl", "-"}, "{\"user\": \"ann\"}\n");
  EXPECT_EQ(no_rule.code, 78) << no_rule.err;
  EXPECT_EQ(
      Freshet({"feedback", "plain", "--format", "jsonl", "-"}, "{\"event_id\": \"a\"}\n").code, 78);
  EXPECT_EQ(Freshet({"events", "list", "plain"}).code, 78);
  const CommandResult no_wait = Freshet({"models", "create", "ads", "--feedback", "click"});
  EXPECT_EQ(no_wait.code, 64);
  EXPECT_THAT(no_wait.err, HasSubstr("--feedback needs --wait"));
  const CommandResult no_events = Freshet({"push", "plain", "--event-id", "id", "-"});
  EXPECT_EQ(no_events.code, 64);
  EXPECT_THAT(no_events.err, HasSubstr("--events"));
  EXPECT_THAT(Freshet({"help", "feedback"}).out, HasSubstr("--event-id"));
}

TEST_F(LabelsTest, TheRuleCanBeReplacedAndTakenAway) {
  Run({"models", "create", "ads", "--wait", "1h"});
  Run({"models", "update", "ads", "--wait", "2h", "--feedback", "click"});
  EXPECT_EQ(client_->GetModel("ads")->label_rule().wait_ms(), 7'200'000U);
  Run({"models", "update", "ads", "--no-label-rule"});
  EXPECT_FALSE(client_->GetModel("ads")->has_label_rule());
}

}  // namespace
}  // namespace freshet
