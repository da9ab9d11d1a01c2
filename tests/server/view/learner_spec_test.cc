#include "server/view/learner_spec.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "core/model/spec.h"
#include "freshet/v1/learner.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

using testing::HasSubstr;

v1::LearnerSpec Logistic() {
  v1::LearnerSpec spec;
  spec.set_loss(v1::LOSS_LOGISTIC);
  return spec;
}

v1::LearnerSpec Resolve(const v1::LearnerSpec& spec) {
  const absl::StatusOr<v1::LearnerSpec> resolved = ResolveLearnerSpec(spec);
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  return resolved.value_or(v1::LearnerSpec());
}

TEST(ResolveLearnerSpecTest, NamesTheMissingLoss) {
  const absl::Status status = ResolveLearnerSpec(v1::LearnerSpec()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("loss"));
}

TEST(ResolveLearnerSpecTest, RejectsALossItDoesNotKnow) {
  v1::LearnerSpec spec;
  spec.set_loss(static_cast<v1::Loss>(99));
  EXPECT_EQ(ResolveLearnerSpec(spec).status().code(), absl::StatusCode::kInvalidArgument);
}

v1::LearnerSpec LogisticAdaGrad() {
  v1::LearnerSpec spec = Logistic();
  spec.mutable_adagrad();
  return spec;
}

TEST(ResolveLearnerSpecTest, FillsInTheMixtureWithAllItsParts) {
  const v1::LearnerSpec spec = Resolve(Logistic());
  ASSERT_TRUE(spec.has_auto_());
  const v1::Auto& mixture = spec.auto_();
  EXPECT_TRUE(mixture.adagrad() && mixture.fading_adagrad() && mixture.coin() && mixture.newton() &&
              mixture.slow_sgd() && mixture.fast_sgd() && mixture.mixers() && mixture.base_rate());
  EXPECT_EQ(mixture.share(), AutoOptions().share);
  EXPECT_FALSE(spec.has_learning_rate() || spec.has_l2());
  EXPECT_TRUE(spec.intercept());
  EXPECT_EQ(static_cast<int>(spec.bits()), LinearOptions().bits);
}

TEST(ResolveLearnerSpecTest, OnlyNewModelsGetTheNewestRulesForLabelsAndWeights) {
  constexpr auto kNewest = static_cast<uint32_t>(kNewestLinearRules);
  v1::LearnerSpec sgd = Logistic();
  sgd.mutable_sgd();
  EXPECT_EQ(Resolve(sgd).sgd().rules(), 1u);
  EXPECT_EQ(ResolveNewLearnerSpec(sgd).value().sgd().rules(), kNewest);
  v1::LearnerSpec coin = Logistic();
  coin.mutable_coin()->set_rules(1);
  EXPECT_EQ(ResolveNewLearnerSpec(coin).value().coin().rules(), 1u);
}

// As `models create --vw-options` makes it.
v1::LearnerSpec VowpalWabbitSpec() {
  v1::LearnerSpec spec;
  spec.set_loss(v1::LOSS_SQUARED);
  spec.mutable_nag();
  spec.set_intercept(false);
  spec.mutable_vowpal_wabbit();
  spec.mutable_features()->mutable_vowpal_wabbit()->set_bits(18);
  return spec;
}

TEST(ResolveLearnerSpecTest, ModelsOfVowpalWabbitHaveLossesOfTheirOwn) {
  v1::LearnerSpec spec = VowpalWabbitSpec();
  EXPECT_EQ(LossKindOf(Resolve(spec)), LossKind::kVwSquared);
  EXPECT_EQ(ReportedLossOf(Resolve(spec)), LossKind::kSquared);
  spec.mutable_vowpal_wabbit()->set_expectile_q(0.2);
  EXPECT_EQ(ReportedLossOf(Resolve(spec)), LossKind::kExpectile);
  spec.mutable_vowpal_wabbit()->set_binary(true);
  EXPECT_EQ(ReportedLossOf(Resolve(spec)), LossKind::kZeroOne);
  EXPECT_FALSE(SupportsCorrections(Resolve(spec)));
}

TEST(ResolveLearnerSpecTest, VowpalWabbitNeedsItsLearnersItsFeaturesAndNoIntercept) {
  const auto error_of = [](const v1::LearnerSpec& spec) {
    return std::string(ResolveLearnerSpec(spec).status().message());
  };
  v1::LearnerSpec mixture = VowpalWabbitSpec();
  mixture.mutable_auto_();
  EXPECT_THAT(error_of(mixture), HasSubstr("sgd, nag, ftrl or coin"));
  v1::LearnerSpec intercept = VowpalWabbitSpec();
  intercept.set_intercept(true);
  EXPECT_THAT(error_of(intercept), HasSubstr("no intercept"));
  v1::LearnerSpec features = VowpalWabbitSpec();
  features.clear_vowpal_wabbit();
  EXPECT_THAT(error_of(features), HasSubstr("features.vowpal_wabbit"));
  v1::LearnerSpec expectile = VowpalWabbitSpec();
  expectile.mutable_vowpal_wabbit()->set_expectile_q(0.6);
  EXPECT_THAT(error_of(expectile), HasSubstr("expectile_q is 0.6"));
  v1::LearnerSpec bits = VowpalWabbitSpec();
  bits.mutable_features()->mutable_vowpal_wabbit()->set_bits(31);
  EXPECT_THAT(error_of(bits), HasSubstr("features.vowpal_wabbit.bits is 31"));
}

// A model of an earlier version has no version of the rules in its spec, and must keep the first.
TEST(ResolveLearnerSpecTest, OnlyANewMixtureGetsTheNewestRules) {
  EXPECT_EQ(Resolve(Logistic()).auto_().rules(), 1u);
  const v1::LearnerSpec spec = ResolveNewLearnerSpec(Logistic()).value();
  EXPECT_EQ(spec.auto_().rules(), static_cast<uint32_t>(kNewestAutoRules));
  EXPECT_EQ(Resolve(spec).auto_().rules(), spec.auto_().rules());
  v1::LearnerSpec chosen = Logistic();
  chosen.mutable_auto_()->set_rules(1);
  EXPECT_EQ(ResolveNewLearnerSpec(chosen).value().auto_().rules(), 1u);
  chosen.mutable_auto_()->set_rules(3);
  EXPECT_THAT(std::string(ResolveNewLearnerSpec(chosen).status().message()),
              HasSubstr("auto.rules is 3"));
  EXPECT_FALSE(ResolveNewLearnerSpec(LogisticAdaGrad()).value().has_auto_());
}

TEST(ResolveLearnerSpecTest, AMixtureNeedsAMember) {
  v1::LearnerSpec spec = Logistic();
  v1::Auto& mixture = *spec.mutable_auto_();
  mixture.set_adagrad(false);
  mixture.set_fading_adagrad(false);
  mixture.set_coin(false);
  mixture.set_newton(false);
  mixture.set_slow_sgd(false);
  EXPECT_TRUE(ResolveLearnerSpec(spec).ok());
  mixture.set_fast_sgd(false);
  EXPECT_THAT(std::string(ResolveLearnerSpec(spec).status().message()),
              HasSubstr("leave at least one"));
}

TEST(ResolveLearnerSpecTest, FillsInAdaGradAtAConstantRateWithAnIntercept) {
  const v1::LearnerSpec spec = Resolve(LogisticAdaGrad());
  const LinearOptions defaults;
  EXPECT_EQ(spec.adagrad().epsilon(), AdaGrad::Options().epsilon);
  EXPECT_EQ(spec.schedule_case(), v1::LearnerSpec::kConstant);
  EXPECT_EQ(spec.learning_rate(), defaults.learning_rate);
  EXPECT_EQ(spec.intercept_learning_rate(), defaults.intercept_learning_rate);
  EXPECT_EQ(spec.l2(), defaults.l2);
  EXPECT_EQ(spec.gradient_clip(), defaults.gradient_clip);
  EXPECT_EQ(spec.intercept(), defaults.intercept);
  EXPECT_EQ(spec.initial_intercept(), defaults.initial_intercept);
  EXPECT_EQ(static_cast<int>(spec.bits()), defaults.bits);
  EXPECT_TRUE(spec.has_l2() && spec.has_gradient_clip() && spec.has_initial_intercept());
}

TEST(ResolveLearnerSpecTest, DefaultsOfOptimizersEqualThoseOfTheCore) {
  v1::LearnerSpec spec = Logistic();
  spec.mutable_sgd();
  EXPECT_EQ(Resolve(spec).learning_rate(), Sgd::kDefaultLearningRate);
  spec.mutable_minibatch();
  EXPECT_EQ(Resolve(spec).minibatch().examples(), MiniBatch::Options().examples);
  EXPECT_EQ(Resolve(spec).learning_rate(), MiniBatch::kDefaultLearningRate);
  spec.mutable_momentum();
  EXPECT_EQ(Resolve(spec).momentum().momentum(), Momentum::Options().momentum);
  EXPECT_EQ(Resolve(spec).learning_rate(), Momentum::kDefaultLearningRate);
  spec.mutable_nesterov();
  EXPECT_EQ(Resolve(spec).nesterov().momentum(), Nesterov::Options().momentum);
  EXPECT_EQ(Resolve(spec).learning_rate(), Nesterov::kDefaultLearningRate);
  spec.mutable_rmsprop();
  EXPECT_EQ(Resolve(spec).rmsprop().rho(), RmsProp::Options().rho);
  EXPECT_EQ(Resolve(spec).rmsprop().epsilon(), RmsProp::Options().epsilon);
  EXPECT_EQ(Resolve(spec).learning_rate(), RmsProp::kDefaultLearningRate);
  spec.mutable_adam();
  EXPECT_EQ(Resolve(spec).adam().beta1(), Adam::Options().beta1);
  EXPECT_EQ(Resolve(spec).adam().beta2(), Adam::Options().beta2);
  EXPECT_EQ(Resolve(spec).adam().epsilon(), Adam::Options().epsilon);
  EXPECT_EQ(Resolve(spec).learning_rate(), Adam::kDefaultLearningRate);
  spec.mutable_ftrl();
  EXPECT_EQ(Resolve(spec).ftrl().beta(), Ftrl::Options().beta);
  EXPECT_EQ(Resolve(spec).learning_rate(), Ftrl::kDefaultLearningRate);
  spec.mutable_nag();
  EXPECT_EQ(Resolve(spec).nag().power(), NagOptions().power);
  EXPECT_EQ(Resolve(spec).nag().adaptive(), NagOptions().adaptive);
  EXPECT_EQ(Resolve(spec).nag().normalized(), NagOptions().normalized);
  EXPECT_EQ(Resolve(spec).nag().invariant(), NagOptions().invariant);
  EXPECT_EQ(Resolve(spec).learning_rate(), kNagDefaultLearningRate);
  spec.mutable_coin();
  EXPECT_EQ(Resolve(spec).coin().alpha(), Coin::Options().alpha);
  EXPECT_EQ(Resolve(spec).coin().beta(), Coin::Options().beta);
  spec.set_loss(v1::LOSS_QUANTILE);
  EXPECT_EQ(Resolve(spec).quantile_tau(), freshet::LearnerSpec().quantile_tau);
}

TEST(ResolveLearnerSpecTest, SwitchesThatAreOffStayOff) {
  v1::LearnerSpec spec = Logistic();
  spec.mutable_nag()->set_adaptive(false);
  spec.mutable_nag()->set_invariant(false);
  const v1::LearnerSpec resolved = Resolve(spec);
  EXPECT_FALSE(resolved.nag().adaptive());
  EXPECT_TRUE(resolved.nag().normalized());
  EXPECT_FALSE(resolved.nag().invariant());
  EXPECT_EQ(resolved.learning_rate(), kNagDefaultLearningRate);
}

TEST(ResolveLearnerSpecTest, OptionsWithoutAPartInTheLearnerStayAbsentAndAreRefused) {
  v1::LearnerSpec coin = Logistic();
  coin.mutable_coin();
  const v1::LearnerSpec resolved = Resolve(coin);
  EXPECT_FALSE(resolved.has_learning_rate() || resolved.has_l2() || resolved.has_gradient_clip() ||
               resolved.has_intercept_learning_rate() || resolved.has_quantile_tau());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(resolved, Resolve(resolved)));

  const std::vector<std::pair<std::string, std::function<void(v1::LearnerSpec&)>>> settings = {
      {"learning_rate", [](auto& s) { s.mutable_coin(), s.set_learning_rate(1); }},
      {"l1", [](auto& s) { s.mutable_coin(), s.set_l1(0.1); }},
      {"l1", [](auto& s) { s.mutable_auto_(), s.set_l1(0.1); }},
      {"l2", [](auto& s) { s.mutable_coin(), s.set_l2(0.1); }},
      {"schedule", [](auto& s) { s.mutable_coin(), s.mutable_plateau(); }},
      {"gradient_clip", [](auto& s) { s.mutable_nag(), s.set_gradient_clip(1); }},
      {"learning_rate", [](auto& s) { s.set_learning_rate(1); }},
      {"l2", [](auto& s) { s.mutable_auto_(), s.set_l2(0.1); }},
      {"quantile_tau", [](auto& s) { s.mutable_sgd(), s.set_quantile_tau(0.5); }},
      {"negative_sampling_rate",
       [](auto& s) { s.set_loss(v1::LOSS_SQUARED), s.set_negative_sampling_rate(0.5); }},
  };
  for (const auto& [name, set] : settings) {
    v1::LearnerSpec spec = Logistic();
    set(spec);
    const absl::Status status = ResolveLearnerSpec(spec).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(StrCat("option ", name, " is set, but has no part in ")));
  }
}

TEST(ResolveLearnerSpecTest, L2OfLearnersThatCannotOvershootMayBeLarge) {
  v1::LearnerSpec spec = Logistic();
  spec.set_learning_rate(1);
  spec.set_l2(50);
  spec.mutable_ftrl();
  EXPECT_TRUE(ResolveLearnerSpec(spec).ok());
  spec.mutable_nag();
  EXPECT_TRUE(ResolveLearnerSpec(spec).ok());
  spec.mutable_sgd();
  EXPECT_FALSE(ResolveLearnerSpec(spec).ok());
}

TEST(ResolveLearnerSpecTest, DefaultsOfSchedulesEqualThoseOfTheCore) {
  v1::LearnerSpec spec = LogisticAdaGrad();
  spec.mutable_inverse_power();
  EXPECT_EQ(Resolve(spec).inverse_power().t0(), InversePowerSchedule().t0);
  EXPECT_EQ(Resolve(spec).inverse_power().power(), InversePowerSchedule().power);
  spec.mutable_exponential();
  EXPECT_EQ(Resolve(spec).exponential().decay(), ExponentialSchedule().decay);
  EXPECT_EQ(Resolve(spec).exponential().decay_steps(), ExponentialSchedule().decay_steps);
  spec.mutable_step();
  EXPECT_EQ(Resolve(spec).step().decay(), StepSchedule().decay);
  EXPECT_EQ(Resolve(spec).step().decay_steps(), StepSchedule().decay_steps);
  spec.mutable_plateau();
  const v1::PlateauSchedule plateau = Resolve(spec).plateau();
  EXPECT_EQ(plateau.factor(), PlateauSchedule().factor);
  EXPECT_EQ(plateau.patience(), PlateauSchedule().patience);
  EXPECT_EQ(plateau.window(), PlateauSchedule().window);
  EXPECT_EQ(plateau.threshold(), PlateauSchedule().threshold);
  EXPECT_EQ(plateau.min_share(), PlateauSchedule().min_share);
}

TEST(ResolveLearnerSpecTest, KeepsWhatIsSet) {
  v1::LearnerSpec spec = Logistic();
  spec.set_loss(v1::LOSS_SQUARED);
  spec.mutable_adam()->set_beta1(0);
  spec.mutable_plateau()->set_window(7);
  spec.set_learning_rate(0.25);
  spec.set_intercept(false);
  spec.set_bits(12);
  const v1::LearnerSpec resolved = Resolve(spec);
  EXPECT_EQ(resolved.adam().beta1(), 0);
  EXPECT_EQ(resolved.plateau().window(), 7u);
  EXPECT_EQ(resolved.learning_rate(), 0.25);
  EXPECT_EQ(resolved.intercept_learning_rate(), 0.25);
  EXPECT_FALSE(resolved.intercept());
  EXPECT_EQ(resolved.bits(), 12u);
  EXPECT_EQ(LossKindOf(resolved), LossKind::kSquared);
}

TEST(ResolveLearnerSpecTest, AResolvedSpecResolvesToItself) {
  v1::LearnerSpec spec = Logistic();
  spec.mutable_nesterov();
  spec.mutable_plateau();
  const v1::LearnerSpec resolved = Resolve(spec);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(resolved, Resolve(resolved)));
}

struct BadOption {
  std::string name;
  std::string allowed;
  std::function<void(v1::LearnerSpec&)> set;
};

TEST(ResolveLearnerSpecTest, NamesTheOptionThatIsOutOfRange) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<BadOption> bad_options = {
      {"learning_rate", "above 0", [](auto& s) { s.set_learning_rate(0); }},
      {"learning_rate", "at most 1000", [](auto& s) { s.set_learning_rate(kInfinity); }},
      {"learning_rate", "above 0", [](auto& s) { s.set_learning_rate(kNan); }},
      {"l2", "at least 0", [](auto& s) { s.set_l2(-1e-9); }},
      {"l2", "below 1", [](auto& s) { s.set_learning_rate(0.5), s.set_l2(2); }},
      {"gradient_clip", "at least 0", [](auto& s) { s.set_gradient_clip(-1); }},
      {"intercept_learning_rate", "at least 0",
       [](auto& s) { s.set_intercept_learning_rate(-0.1); }},
      {"initial_intercept", "at most 100", [](auto& s) { s.set_initial_intercept(101); }},
      {"bits", "at least 10", [](auto& s) { s.set_bits(9); }},
      {"bits", "at most 30", [](auto& s) { s.set_bits(31); }},
      {"minibatch.examples", "at least 1", [](auto& s) { s.mutable_minibatch()->set_examples(0); }},
      {"momentum.momentum", "at most 0.9999",
       [](auto& s) { s.mutable_momentum()->set_momentum(1); }},
      {"nesterov.momentum", "at least 0",
       [](auto& s) { s.mutable_nesterov()->set_momentum(-0.1); }},
      {"adagrad.epsilon", "at least 1e-12", [](auto& s) { s.mutable_adagrad()->set_epsilon(0); }},
      {"rmsprop.rho", "at most 0.999999", [](auto& s) { s.mutable_rmsprop()->set_rho(1); }},
      {"adam.beta2", "at most 0.999999", [](auto& s) { s.mutable_adam()->set_beta2(kNan); }},
      {"ftrl.beta", "at least 0", [](auto& s) { s.mutable_ftrl()->set_beta(-1); }},
      {"l1", "at least 0", [](auto& s) { s.set_l1(-1); }},
      {"negative_sampling_rate", "above 0", [](auto& s) { s.set_negative_sampling_rate(0); }},
      {"nag.power", "at most 1", [](auto& s) { s.mutable_nag()->set_power(1.1); }},
      {"coin.alpha", "at least 1e-12", [](auto& s) { s.mutable_coin()->set_alpha(0); }},
      {"coin.beta", "at most 1e+12", [](auto& s) { s.mutable_coin()->set_beta(1e13); }},
      {"auto.share", "at most 0.5", [](auto& s) { s.mutable_auto_()->set_share(0.6); }},
      {"quantile_tau", "below 1",
       [](auto& s) { s.set_loss(v1::LOSS_QUANTILE), s.set_quantile_tau(1); }},
      {"exponential.decay", "above 0", [](auto& s) { s.mutable_exponential()->set_decay(0); }},
      {"step.decay_steps", "at least 1", [](auto& s) { s.mutable_step()->set_decay_steps(0.5); }},
      {"plateau.factor", "below 1", [](auto& s) { s.mutable_plateau()->set_factor(1); }},
      {"plateau.window", "at least 1", [](auto& s) { s.mutable_plateau()->set_window(0); }},
  };
  for (const BadOption& bad : bad_options) {
    v1::LearnerSpec spec = LogisticAdaGrad();
    bad.set(spec);
    const absl::Status status = ResolveLearnerSpec(spec).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(StrCat("option ", bad.name, " is ")));
    EXPECT_THAT(std::string(status.message()), HasSubstr(bad.allowed));
  }
}

TEST(MakeLearnerTest, MakesALearnerForEverySpec) {
  const std::vector<std::function<void(v1::LearnerSpec&)>> optimizers = {
      [](auto& s) { s.mutable_sgd(); },
      [](auto& s) { s.mutable_minibatch(); },
      [](auto& s) { s.mutable_momentum(); },
      [](auto& s) { s.mutable_nesterov(); },
      [](auto& s) { s.mutable_adagrad(); },
      [](auto& s) { s.mutable_rmsprop(); },
      [](auto& s) { s.mutable_adam(); },
      [](auto& s) { s.mutable_ftrl(); },
      [](auto& s) { s.mutable_nag(); },
      [](auto& s) { s.mutable_nag()->set_adaptive(false); },
      [](auto& s) { s.mutable_nag()->set_normalized(false); },
      [](auto& s) { s.mutable_coin(); },
      [](auto& s) { s.mutable_auto_(); },
  };
  const std::vector<uint64_t> slot_bytes = {4, 8, 16, 16, 8, 16, 16, 8, 16, 8, 8, 32, 64};
  for (size_t i = 0; i < optimizers.size(); ++i) {
    for (const v1::Loss loss : {v1::LOSS_LOGISTIC, v1::LOSS_SQUARED, v1::LOSS_HINGE,
                                v1::LOSS_POISSON, v1::LOSS_QUANTILE}) {
      v1::LearnerSpec spec;
      spec.set_loss(loss);
      spec.set_bits(10);
      spec.set_initial_intercept(0.5);
      optimizers[i](spec);
      const auto learner = MakeLearner(Resolve(spec));
      ASSERT_TRUE(learner.ok()) << learner.status();
      EXPECT_EQ((*learner)->table_bytes(), slot_bytes[i] * 1024) << i;
      const uint32_t row_end = 0;
      float score = 0;
      ExampleBatch batch;
      batch.row_ends = {&row_end, 1};
      (*learner)->PredictBatch(batch, {&score, 1});
      EXPECT_FLOAT_EQ(score, 0.5f) << i;
    }
  }
}

}  // namespace
}  // namespace freshet
