#include "client/command/learner_options.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

std::string ErrorOf(std::string_view loss, std::string_view learner,
                    const std::vector<std::string>& settings) {
  return std::string(MakeLearnerSpec(loss, learner, settings).status().message());
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST(LearnerOptionsTest, SetsOptionsOfSpecLearnerAndSchedule) {
  const auto spec = MakeLearnerSpec("squared", "adam",
                                    {"power=0.25", "schedule=inverse_power", "beta1=0.8",
                                     "learning_rate=1e-2", "intercept=false", "bits=18"});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->loss(), v1::LOSS_SQUARED);
  EXPECT_EQ(spec->adam().beta1(), 0.8);
  EXPECT_FALSE(spec->adam().has_beta2());
  EXPECT_EQ(spec->inverse_power().power(), 0.25);
  EXPECT_EQ(spec->learning_rate(), 0.01);
  EXPECT_TRUE(spec->has_intercept());
  EXPECT_FALSE(spec->intercept());
  EXPECT_EQ(spec->bits(), 18u);
}

TEST(LearnerOptionsTest, SetsSwitchesAndTheQuantile) {
  const auto spec = MakeLearnerSpec("quantile", "nag", {"quantile_tau=0.9", "adaptive=false"});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->loss(), v1::LOSS_QUANTILE);
  EXPECT_EQ(spec->quantile_tau(), 0.9);
  EXPECT_TRUE(spec->nag().has_adaptive());
  EXPECT_FALSE(spec->nag().adaptive());
  EXPECT_FALSE(spec->nag().has_normalized());
  EXPECT_TRUE(Contains(ErrorOf("poison", "ftrl", {}), "did you mean 'poisson'?"));
  EXPECT_TRUE(Contains(ErrorOf("logistic", "sgd", {"beta=1"}), "--learner ftrl"));
}

TEST(LearnerOptionsTest, LeavesTheChoiceOfALearnerToTheServer) {
  const auto spec = MakeLearnerSpec("logistic", "", {});
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->optimizer_case(), v1::LearnerSpec::OPTIMIZER_NOT_SET);
  EXPECT_EQ(spec->schedule_case(), v1::LearnerSpec::SCHEDULE_NOT_SET);
}

TEST(LearnerOptionsTest, SuggestsTheNearestName) {
  EXPECT_TRUE(Contains(ErrorOf("logistc", "", {}), "did you mean 'logistic'?"));
  EXPECT_TRUE(Contains(ErrorOf("logistic", "adagard", {}), "did you mean 'adagrad'?"));
  EXPECT_TRUE(Contains(ErrorOf("logistic", "", {"schedule=stepp"}), "did you mean 'step'?"));
  EXPECT_TRUE(Contains(ErrorOf("logistic", "adam", {"beta3=1"}), "did you mean 'beta1'?"));
}

TEST(LearnerOptionsTest, ListsTheKeysForAnUnknownOne) {
  const std::string error = ErrorOf("logistic", "adam", {"zzzzz=1"});
  for (const char* key : {"zzzzz", "learning_rate", "beta1", "epsilon", "schedule"}) {
    EXPECT_TRUE(Contains(error, key)) << error;
  }
  EXPECT_FALSE(Contains(error, "did you mean")) << error;
}

TEST(LearnerOptionsTest, SaysWhereAKeyBelongs) {
  EXPECT_TRUE(Contains(ErrorOf("logistic", "sgd", {"power=1"}), "--set schedule=inverse_power"));
  EXPECT_TRUE(Contains(ErrorOf("logistic", "sgd", {"rho=1"}), "--learner rmsprop"));
}

TEST(LearnerOptionsTest, RefusesValuesOfTheWrongKind) {
  EXPECT_TRUE(Contains(ErrorOf("logistic", "", {"l2=much"}), "must be a number"));
  EXPECT_TRUE(Contains(ErrorOf("logistic", "", {"bits=2.5"}), "must be a whole number"));
  EXPECT_TRUE(Contains(ErrorOf("logistic", "", {"intercept=1"}), "must be true or false"));
  EXPECT_TRUE(Contains(ErrorOf("logistic", "", {"l2"}), "key=value"));
}

TEST(LearnerOptionsTest, EveryChoiceAndOptionHasAMeaning) {
  for (const auto& names : {LossNames(), LearnerNames(), ScheduleNames()}) {
    EXPECT_FALSE(names.empty());
    for (const std::string& name : names) EXPECT_FALSE(MeaningOf(name).empty()) << name;
  }
  for (const LearnerOption& option : LearnerOptions()) {
    EXPECT_FALSE(option.meaning.empty()) << option.owner << " " << option.key;
  }
}

TEST(LearnerOptionsTest, ShowsWhatIsSet) {
  const auto spec = MakeLearnerSpec("logistic", "sgd", {"l2=0.5", "schedule=step", "decay=0.9"});
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(SettingsOf(*spec), (std::vector<std::string>{"l2=0.5", "decay=0.9"}));
  EXPECT_EQ(LearnerName(*spec), "sgd");
  EXPECT_EQ(ScheduleName(*spec), "step");
}

}  // namespace
}  // namespace freshet
