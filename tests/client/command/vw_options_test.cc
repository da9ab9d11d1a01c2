#include "client/command/vw_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>

namespace freshet {
namespace {

using ::testing::HasSubstr;

v1::LearnerSpec Parse(std::string_view text) {
  const absl::StatusOr<v1::LearnerSpec> spec = ParseVwOptions(text);
  EXPECT_TRUE(spec.ok()) << spec.status();
  return spec.value_or(v1::LearnerSpec());
}

std::string ErrorOf(std::string_view text) {
  return std::string(ParseVwOptions(text).status().message());
}

TEST(VwOptionsTest, DefaultsAreItsOwn) {
  const v1::LearnerSpec spec = Parse("");
  EXPECT_EQ(spec.loss(), v1::LOSS_SQUARED);
  EXPECT_EQ(spec.bits(), 18u);
  EXPECT_TRUE(spec.nag().adaptive() && spec.nag().normalized() && spec.nag().invariant());
  EXPECT_EQ(spec.nag().power(), 0.5);
  EXPECT_EQ(spec.learning_rate(), 0.5);
  EXPECT_FALSE(spec.has_intercept());
  EXPECT_FALSE(spec.has_features());
}

TEST(VwOptionsTest, TakesLongAndShortForms) {
  for (const char* text :
       {"--loss_function logistic -b 22 -l 0.25", "--loss_function=logistic -b22 -l0.25",
        "  --loss_function  logistic --bit_precision=22 --learning_rate 0.25 "}) {
    const v1::LearnerSpec spec = Parse(text);
    EXPECT_EQ(spec.loss(), v1::LOSS_LOGISTIC) << text;
    EXPECT_EQ(spec.bits(), 22u) << text;
    EXPECT_EQ(spec.learning_rate(), 0.25) << text;
  }
}

TEST(VwOptionsTest, FtrlAndCoinHaveDefaultsOfTheirOwn) {
  EXPECT_EQ(Parse("--ftrl").learning_rate(), 0.005);
  EXPECT_EQ(Parse("--ftrl").ftrl().beta(), 0.1);
  const v1::LearnerSpec ftrl = Parse("--ftrl --ftrl_alpha 0.1 --ftrl_beta 1 --l1 0.01 --l2 0.1");
  EXPECT_EQ(ftrl.learning_rate(), 0.1);
  EXPECT_EQ(ftrl.ftrl().beta(), 1);
  EXPECT_EQ(ftrl.l1(), 0.01);
  EXPECT_EQ(ftrl.l2(), 0.1);
  EXPECT_TRUE(ftrl.regularize_intercept());
  EXPECT_EQ(Parse("--coin").coin().alpha(), 4);
  EXPECT_EQ(Parse("--coin").coin().beta(), 1);
}

// If only some of the three switches are on, the default rate becomes 10, unless both --adaptive
// and --normalized are on.
TEST(VwOptionsTest, SwitchesChangeTheDefaultRate) {
  const v1::LearnerSpec adaptive = Parse("--adaptive");
  EXPECT_EQ(adaptive.learning_rate(), 10);
  EXPECT_TRUE(adaptive.nag().adaptive());
  EXPECT_FALSE(adaptive.nag().normalized() || adaptive.nag().invariant());
  EXPECT_EQ(Parse("--adaptive --invariant").learning_rate(), 10);
  EXPECT_EQ(Parse("--adaptive --normalized").learning_rate(), 0.5);
  EXPECT_EQ(Parse("--adaptive -l 0.5").learning_rate(), 0.5);
  EXPECT_EQ(Parse("--adaptive --power_t 0.3").nag().power(), 0.3);
}

TEST(VwOptionsTest, PlainRatesFallWithTheNumberOfExamples) {
  const v1::LearnerSpec sgd = Parse("--sgd");
  EXPECT_NEAR(sgd.learning_rate(), 10 / std::sqrt(2), 1e-12);
  EXPECT_EQ(sgd.inverse_power().t0(), 2);
  EXPECT_EQ(sgd.inverse_power().power(), 0.5);
  EXPECT_TRUE(sgd.has_sgd());
  // With l1 or l2, the learner is NAG with all its switches off.
  const v1::LearnerSpec sparse = Parse("--sgd --l1 1e-6");
  ASSERT_TRUE(sparse.has_nag());
  EXPECT_FALSE(sparse.nag().adaptive() || sparse.nag().normalized() || sparse.nag().invariant());
  EXPECT_EQ(sparse.inverse_power().t0(), 2);
  const v1::LearnerSpec slow = Parse("--sgd -l 1 --initial_t 99 --power_t 1");
  EXPECT_NEAR(slow.learning_rate(), 0.99, 1e-12);
  EXPECT_EQ(slow.inverse_power().t0(), 100);
  EXPECT_EQ(Parse("--sgd --power_t 0 -l 0.5").learning_rate(), 0.5);
  const v1::LearnerSpec normalized = Parse("--normalized");
  EXPECT_EQ(normalized.learning_rate(), 10);
  EXPECT_EQ(normalized.inverse_power().t0(), 1);
}

TEST(VwOptionsTest, InteractionsAndNgramsBecomeFeatures) {
  const v1::LearnerSpec spec = Parse(
      "-q ab -qac --quadratic :: --cubic abc --interactions abcd --ngram 3 --ngram d2 "
      "--skips 1 --skips d4");
  const v1::FeatureSpec& features = spec.features();
  ASSERT_EQ(features.interactions_size(), 5);
  EXPECT_THAT(features.interactions(0).namespaces(), testing::ElementsAre("a", "b"));
  EXPECT_THAT(features.interactions(1).namespaces(), testing::ElementsAre("a", "c"));
  EXPECT_THAT(features.interactions(2).namespaces(), testing::ElementsAre("*", "*"));
  EXPECT_THAT(features.interactions(3).namespaces(), testing::ElementsAre("a", "b", "c"));
  EXPECT_THAT(features.interactions(4).namespaces(), testing::ElementsAre("a", "b", "c", "d"));
  ASSERT_EQ(features.ngrams_size(), 2);
  EXPECT_EQ(features.ngrams(0).namespace_(), "*");
  EXPECT_EQ(features.ngrams(0).length(), 3u);
  EXPECT_EQ(features.ngrams(0).skips(), 1u);
  EXPECT_EQ(features.ngrams(1).namespace_(), "d");
  EXPECT_EQ(features.ngrams(1).length(), 2u);
  EXPECT_EQ(features.ngrams(1).skips(), 4u);
}

TEST(VwOptionsTest, LossesAndConstants) {
  EXPECT_EQ(Parse("--loss_function quantile --quantile_tau 0.9").quantile_tau(), 0.9);
  EXPECT_EQ(Parse("--loss_function hinge").loss(), v1::LOSS_HINGE);
  EXPECT_EQ(Parse("--loss_function poisson").loss(), v1::LOSS_POISSON);
  EXPECT_EQ(Parse("--loss_function logistic --link logistic").loss(), v1::LOSS_LOGISTIC);
  const v1::LearnerSpec none = Parse("--noconstant");
  EXPECT_TRUE(none.has_intercept());
  EXPECT_FALSE(none.intercept());
  EXPECT_EQ(Parse("-C -1.5").initial_intercept(), -1.5);
}

TEST(VwOptionsTest, WhatThereIsNotIsNamed) {
  EXPECT_THAT(ErrorOf("--nn 5"), HasSubstr("--nn: is not supported"));
  EXPECT_THAT(ErrorOf("--nn 5"), HasSubstr("--ftrl_alpha"));
  EXPECT_THAT(ErrorOf("--loss_funktion logistic"), HasSubstr("did you mean '--loss_function'?"));
  EXPECT_THAT(ErrorOf("--passes 3"), HasSubstr("--passes: concerns input and output"));
  EXPECT_THAT(ErrorOf("-d train.vw"), HasSubstr("-d: concerns input and output"));
  EXPECT_THAT(ErrorOf("--ignore a"), HasSubstr("--ignore"));
  EXPECT_THAT(ErrorOf("--loss_function expectile"), HasSubstr("squared, logistic, hinge"));
  EXPECT_THAT(ErrorOf("--link glf1"), HasSubstr("--link glf1"));
  EXPECT_THAT(ErrorOf("train.vw"), HasSubstr("train.vw"));
}

TEST(VwOptionsTest, WhatHasNoPartIsRefusedInsteadOfIgnored) {
  EXPECT_THAT(ErrorOf("--ftrl -l 0.5"), HasSubstr("--learning_rate: has no effect with --ftrl"));
  EXPECT_THAT(ErrorOf("--coin --l1 0.5"), HasSubstr("--l1: has no effect with --coin"));
  EXPECT_THAT(ErrorOf("--ftrl_alpha 0.5"), HasSubstr("--ftrl_alpha: needs --ftrl"));
  EXPECT_THAT(ErrorOf("--initial_t 5"), HasSubstr("--initial_t"));
  EXPECT_THAT(ErrorOf("--ftrl --coin"), HasSubstr("choose one"));
  EXPECT_THAT(ErrorOf("--skips 2"), HasSubstr("--ngram"));
}

TEST(VwOptionsTest, ValuesAreChecked) {
  EXPECT_THAT(ErrorOf("-b"), HasSubstr("--bit_precision: needs a value"));
  // What the message names is what is taken, and what the server takes.
  for (const char* bits : {"-b 2.5", "-b 9", "-b 31", "-b 64", "-b -1", "-b nan"}) {
    EXPECT_THAT(ErrorOf(bits), HasSubstr("--bit_precision: ")) << bits;
  }
  EXPECT_THAT(ErrorOf("-b 31"), HasSubstr("a whole number from 10 to 30"));
  EXPECT_TRUE(ParseVwOptions("-b 10").ok());
  EXPECT_TRUE(ParseVwOptions("-b 30").ok());
  EXPECT_THAT(ErrorOf("-l fast"), HasSubstr("'fast' is not a number"));
  EXPECT_THAT(ErrorOf("--sgd=1"), HasSubstr("takes no value"));
  EXPECT_THAT(ErrorOf("-q a"), HasSubstr("--quadratic a"));
  EXPECT_THAT(ErrorOf("--interactions abcde"), HasSubstr("2 to 4 namespaces"));
  EXPECT_THAT(ErrorOf("--ngram ab"), HasSubstr("--ngram ab"));
}

}  // namespace
}  // namespace freshet
