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
  EXPECT_EQ(spec.learning_rate(), 0.5);
  // The constant is a feature.
  EXPECT_FALSE(spec.intercept());
  EXPECT_TRUE(spec.features().vowpal_wabbit().constant());
  EXPECT_EQ(spec.features().vowpal_wabbit().bits(), 18u);
  EXPECT_EQ(spec.vowpal_wabbit().initial_t(), 0);
  EXPECT_EQ(spec.vowpal_wabbit().passes(), 1u);
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
  EXPECT_EQ(Parse("--ftrl").learning_rate(), 0.5);
  EXPECT_EQ(Parse("--ftrl").ftrl().beta(), 1);
  const v1::LearnerSpec ftrl = Parse("--ftrl --ftrl_alpha 0.1 --ftrl_beta 0 --l1 0.01 --l2 0.1");
  EXPECT_EQ(ftrl.learning_rate(), 0.1);
  EXPECT_EQ(ftrl.ftrl().beta(), 0);
  EXPECT_EQ(ftrl.l1(), 0.01);
  EXPECT_EQ(ftrl.l2(), 0.1);
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
  EXPECT_EQ(Parse("--adaptive --power_t 0.3").vowpal_wabbit().power_t(), 0.3);
}

TEST(VwOptionsTest, PlainRatesBeginToFallAtOne) {
  const v1::LearnerSpec sgd = Parse("--sgd");
  EXPECT_TRUE(sgd.has_sgd());
  EXPECT_EQ(sgd.learning_rate(), 10);
  EXPECT_EQ(sgd.vowpal_wabbit().initial_t(), 1);
  EXPECT_EQ(Parse("--invariant").vowpal_wabbit().initial_t(), 1);
  EXPECT_EQ(Parse("--normalized").vowpal_wabbit().initial_t(), 0);
  EXPECT_EQ(Parse("--initial_t 5").vowpal_wabbit().initial_t(), 5);
}

TEST(VwOptionsTest, LettersBecomeFeatures) {
  const v1::VowpalWabbitFeatures features =
      Parse(
          "-q ab -qac --quadratic :: --cubic abc --interactions abcde --ngram 3 --ngram d2 "
          "--skips 1 --keep a --keep bc --ignore \\x64 --ignore_linear e --feature_limit a:10 "
          "--feature_limit 7 --hash all --noconstant -b 3")
          .features()
          .vowpal_wabbit();
  EXPECT_THAT(features.interactions(), testing::ElementsAre("ab", "ac", "::", "abc", "abcde"));
  ASSERT_EQ(features.ngrams_size(), 2);
  EXPECT_FALSE(features.ngrams(0).has_letter());
  EXPECT_EQ(features.ngrams(0).number(), 3u);
  EXPECT_EQ(features.ngrams(1).letter(), static_cast<uint32_t>('d'));
  EXPECT_EQ(features.skips(0).number(), 1u);
  EXPECT_EQ(features.keep(), "abc");
  EXPECT_EQ(features.ignore(), "d");
  EXPECT_EQ(features.ignore_linear(), "e");
  EXPECT_EQ(features.limits(0).number(), 0u);  // Text that is no number means 0, as there.
  EXPECT_EQ(features.limits(1).number(), 7u);
  EXPECT_TRUE(features.hash_all());
  EXPECT_FALSE(features.constant());
  EXPECT_EQ(features.bits(), 3u);
}

TEST(VwOptionsTest, LossesAndConstants) {
  EXPECT_EQ(Parse("--loss_function quantile --quantile_tau 0.9").quantile_tau(), 0.9);
  EXPECT_EQ(Parse("--loss_function hinge").loss(), v1::LOSS_HINGE);
  EXPECT_EQ(Parse("--loss_function poisson").loss(), v1::LOSS_POISSON);
  EXPECT_TRUE(Parse("--loss_function classic").vowpal_wabbit().classic());
  const v1::LearnerSpec expectile = Parse("--loss_function expectile --expectile_q 0.2");
  EXPECT_EQ(expectile.loss(), v1::LOSS_SQUARED);
  EXPECT_EQ(expectile.vowpal_wabbit().expectile_q(), 0.2);
  EXPECT_TRUE(Parse("--binary").vowpal_wabbit().binary());
  EXPECT_EQ(Parse("--loss_function logistic").vowpal_wabbit().link(),
            v1::VowpalWabbit::LINK_LOGISTIC);
  EXPECT_EQ(Parse("--loss_function logistic --link identity").vowpal_wabbit().link(),
            v1::VowpalWabbit::LINK_UNSPECIFIED);
  EXPECT_EQ(Parse("-C -1.5").vowpal_wabbit().constant(), -1.5);
  const v1::VowpalWabbit bounds = Parse("--min_prediction -1").vowpal_wabbit();
  EXPECT_EQ(bounds.min_prediction(), -1);
  EXPECT_FALSE(bounds.has_max_prediction());
}

TEST(VwOptionsTest, PassesHoldEveryTenthRowOut) {
  EXPECT_EQ(Parse("--passes 3").vowpal_wabbit().passes(), 3u);
  EXPECT_EQ(Parse("--passes 3").vowpal_wabbit().holdout_period(), 10u);
  EXPECT_EQ(Parse("--passes 3 --holdout_period 4").vowpal_wabbit().holdout_period(), 4u);
  EXPECT_EQ(Parse("--passes 3 --holdout_off").vowpal_wabbit().holdout_period(), 0u);
  EXPECT_EQ(Parse("").vowpal_wabbit().holdout_period(), 0u);
}

TEST(VwOptionsTest, WhatChangesNothingIsAcceptedAndNamed) {
  std::string note;
  EXPECT_TRUE(ParseVwOptions("-k -c --quiet -P 100 -f m.model -d train.vw", &note).ok());
  EXPECT_THAT(note, HasSubstr("--kill_cache --cache --quiet --progress --final_regressor --data"));
  EXPECT_TRUE(ParseVwOptions("--ftrl -l 0.5", &note).ok());
  EXPECT_THAT(note, HasSubstr("--learning_rate changes nothing"));
  EXPECT_TRUE(ParseVwOptions("-l 0.5", &note).ok());
  EXPECT_EQ(note, "");
}

TEST(VwOptionsTest, WhatThereIsNotIsNamed) {
  EXPECT_THAT(ErrorOf("--nn 5"), HasSubstr("--nn: is not supported"));
  EXPECT_THAT(ErrorOf("--nn 5"), HasSubstr("--ftrl_alpha"));
  EXPECT_THAT(ErrorOf("--loss_funktion logistic"), HasSubstr("did you mean '--loss_function'?"));
  EXPECT_THAT(ErrorOf("-i old.model"), HasSubstr("-i: is not supported"));
  EXPECT_THAT(ErrorOf("-t"), HasSubstr("-t: is not supported"));
  EXPECT_THAT(ErrorOf("--loss_function absolute"), HasSubstr("squared, classic, logistic"));
  EXPECT_THAT(ErrorOf("--loss_function expectile"), HasSubstr("--expectile_q"));
  EXPECT_THAT(ErrorOf("--link cubic"), HasSubstr("--link cubic"));
  EXPECT_THAT(ErrorOf("--hash some"), HasSubstr("--hash some"));
  EXPECT_THAT(ErrorOf("train.vw"), HasSubstr("train.vw"));
}

TEST(VwOptionsTest, WhatDoesNotGoTogetherIsRefused) {
  EXPECT_THAT(ErrorOf("--ftrl --coin"), HasSubstr("choose one"));
  EXPECT_THAT(ErrorOf("--ftrl --initial_weight 1"), HasSubstr("--initial_weight"));
  EXPECT_THAT(ErrorOf("--skips 2"), HasSubstr("--ngram"));
}

TEST(VwOptionsTest, ValuesAreChecked) {
  EXPECT_THAT(ErrorOf("-b"), HasSubstr("--bit_precision: needs a value"));
  // What the message names is what is taken, and what the server takes.
  for (const char* bits : {"-b 2.5", "-b 0", "-b 31", "-b 64", "-b -1", "-b nan"}) {
    EXPECT_THAT(ErrorOf(bits), HasSubstr("--bit_precision: ")) << bits;
  }
  EXPECT_THAT(ErrorOf("-b 31"), HasSubstr("a whole number from 1 to 30"));
  EXPECT_TRUE(ParseVwOptions("-b 1").ok());
  EXPECT_TRUE(ParseVwOptions("-b 30").ok());
  EXPECT_THAT(ErrorOf("-l fast"), HasSubstr("'fast' is not a number"));
  EXPECT_THAT(ErrorOf("--sgd=1"), HasSubstr("takes no value"));
  EXPECT_THAT(ErrorOf("-q a"), HasSubstr("--quadratic a"));
  EXPECT_THAT(ErrorOf("--interactions abcdefghijklmnopq"), HasSubstr("2 to 16 namespaces"));
  EXPECT_THAT(ErrorOf("--ngram ab"), HasSubstr("--ngram ab"));
}

}  // namespace
}  // namespace freshet
