#include "server/view/learner_spec.h"

#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include "core/base/str_cat.h"
#include "core/model/factory.h"
#include "core/model/spec.h"
#include "freshet/v1/option_info.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "server/view/feature_spec.h"

namespace freshet {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Numbers, and switches as 0 and 1.
double GetNumber(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
    return reflection.GetDouble(message, &field);
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    return reflection.GetBool(message, &field) ? 1 : 0;
  }
  return reflection.GetUInt32(message, &field);
}

void SetNumber(Message& message, const FieldDescriptor& field, double value) {
  const Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
    reflection.SetDouble(&message, &field, value);
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    reflection.SetBool(&message, &field, value != 0);
  } else {
    reflection.SetUInt32(&message, &field, static_cast<uint32_t>(value));
  }
}

std::string DescribeRange(const v1::OptionInfo& info) {
  std::string range;
  if (info.has_min()) range = StrCat(info.min_exclusive() ? "above " : "at least ", info.min());
  if (info.has_max()) {
    range = StrCat(range, range.empty() ? "" : " and ",
                   info.max_exclusive() ? "below " : "at most ", info.max());
  }
  return range;
}

absl::Status CheckRange(double value, const v1::OptionInfo& info, std::string_view name) {
  // Comparisons are written so that NaN fails them.
  bool inside = std::isfinite(value);
  if (info.has_min()) {
    inside &= info.min_exclusive() ? value > info.min() : value >= info.min();
  }
  if (info.has_max()) {
    inside &= info.max_exclusive() ? value < info.max() : value <= info.max();
  }
  if (inside) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("option ", name, " is ", value, "; it must be ", DescribeRange(info)));
}

// Names of options.
using OptionNames = std::set<std::string>;

// Fills in the default of each option that is absent and checks the others, in the message and the
// messages set in it. `prefix` stands before the names of options in errors; options named in
// `unused` stay absent.
absl::Status ResolveOptions(Message& message, std::string_view prefix, const OptionNames& unused) {
  const Reflection& reflection = *message.GetReflection();
  const google::protobuf::Descriptor& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const std::string name = StrCat(prefix, field.name());
    if (field.is_repeated()) continue;  // See ResolveFeatureSpec().
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!reflection.HasField(message, &field)) continue;
      absl::Status status =
          ResolveOptions(*reflection.MutableMessage(&message, &field), StrCat(name, "."), unused);
      if (!status.ok()) return status;
    } else if (field.options().HasExtension(v1::option_info) && !unused.contains(name)) {
      const v1::OptionInfo& info = field.options().GetExtension(v1::option_info);
      if (!reflection.HasField(message, &field)) SetNumber(message, field, info.default_value());
      absl::Status status = CheckRange(GetNumber(message, field), info, name);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

const google::protobuf::OneofDescriptor* Oneof(const char* name) {
  return v1::LearnerSpec::descriptor()->FindOneofByName(name);
}

// The chosen optimizer. REQUIRES: there is one.
const FieldDescriptor& OptimizerFieldOf(const v1::LearnerSpec& spec) {
  return *v1::LearnerSpec::GetReflection()->GetOneofFieldDescriptor(spec, Oneof("optimizer"));
}

// REQUIRES: an optimizer is chosen.
const v1::LearnerInfo& LearnerInfoOf(const v1::LearnerSpec& spec) {
  return OptimizerFieldOf(spec).message_type()->options().GetExtension(v1::learner_info);
}

// Checks that no option is set that has no part in the learner; returns the names of such options.
// REQUIRES: an optimizer is chosen, and no default is filled in.
absl::StatusOr<OptionNames> UnusedOptions(const v1::LearnerSpec& spec) {
  OptionNames unused;
  const auto refuse = [](std::string_view option, std::string_view choice) {
    return absl::InvalidArgumentError(StrCat("option ", option, " is set, but has no part in ",
                                             choice,
                                             "; leave it out or choose another learner or loss"));
  };
  for (const std::string& name : LearnerInfoOf(spec).unused_options()) {
    const FieldDescriptor* field = v1::LearnerSpec::descriptor()->FindFieldByName(name);
    const bool is_set = field == nullptr
                            ? spec.schedule_case() != v1::LearnerSpec::SCHEDULE_NOT_SET &&
                                  spec.schedule_case() != v1::LearnerSpec::kConstant
                            : v1::LearnerSpec::GetReflection()->HasField(spec, field);
    if (is_set) return refuse(name, OptimizerFieldOf(spec).name());
    unused.insert(name);
  }
  if (spec.loss() != v1::LOSS_QUANTILE) {
    if (spec.has_quantile_tau()) return refuse("quantile_tau", v1::Loss_Name(spec.loss()));
    unused.insert("quantile_tau");
  }
  if (spec.loss() != v1::LOSS_LOGISTIC) {
    if (spec.has_negative_sampling_rate()) {
      return refuse("negative_sampling_rate", v1::Loss_Name(spec.loss()));
    }
    unused.insert("negative_sampling_rate");
  }
  return unused;
}

// Whether l2 is added to gradients, so that a large one would overshoot.
bool AddsL2ToGradients(const v1::LearnerSpec& spec) {
  return !spec.has_vowpal_wabbit() && !spec.has_ftrl() && !spec.has_nag() && !spec.has_coin() &&
         !spec.has_auto_();
}

AutoOptions AutoOptionsOf(const v1::Auto& spec) {
  return {.adagrad = spec.adagrad(),
          .fading_adagrad = spec.fading_adagrad(),
          .coin = spec.coin(),
          .newton = spec.newton(),
          .slow_sgd = spec.slow_sgd(),
          .fast_sgd = spec.fast_sgd(),
          .mixers = spec.mixers(),
          .base_rate = spec.base_rate(),
          .share = spec.share(),
          .rules = spec.rules() == static_cast<uint32_t>(AutoRules::kSecond) ? AutoRules::kSecond
                                                                             : AutoRules::kFirst};
}

bool HasMember(const v1::Auto& spec) {
  return spec.adagrad() || spec.fading_adagrad() || spec.coin() || spec.newton() ||
         spec.slow_sgd() || spec.fast_sgd();
}

// The version of the rules of sgd, nag, ftrl or coin; 0 for other learners.
uint32_t RulesOf(const v1::LearnerSpec& spec) {
  switch (spec.optimizer_case()) {
    case v1::LearnerSpec::kSgd:
      return spec.sgd().rules();
    case v1::LearnerSpec::kNag:
      return spec.nag().rules();
    case v1::LearnerSpec::kFtrl:
      return spec.ftrl().rules();
    case v1::LearnerSpec::kCoin:
      return spec.coin().rules();
    default:
      return 0;
  }
}

absl::Status CheckVowpalWabbit(const v1::LearnerSpec& spec) {
  if (!spec.has_vowpal_wabbit()) {
    if (!spec.features().has_vowpal_wabbit()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "option features.vowpal_wabbit is set, but vowpal_wabbit is not; set both, as 'models "
        "create "
        "--vw-options' does");
  }
  if (RulesOf(spec) == 0 || spec.intercept() || !spec.features().has_vowpal_wabbit()) {
    return absl::InvalidArgumentError(
        "option vowpal_wabbit is set; it needs the learner sgd, nag, ftrl or coin, no intercept, "
        "and features.vowpal_wabbit");
  }
  const v1::VowpalWabbit& vw = spec.vowpal_wabbit();
  if (!v1::VowpalWabbit::Link_IsValid(vw.link())) {
    return absl::InvalidArgumentError(
        StrCat("option vowpal_wabbit.link is ", static_cast<int>(vw.link()),
               "; it must be LINK_UNSPECIFIED, LINK_LOGISTIC, LINK_GLF1 or LINK_POISSON"));
  }
  if (vw.has_expectile_q() && !(vw.expectile_q() > 0 && vw.expectile_q() <= 0.5)) {
    return absl::InvalidArgumentError(StrCat("option vowpal_wabbit.expectile_q is ",
                                             vw.expectile_q(),
                                             "; it must be above 0 and at most 0.5"));
  }
  for (const double bound : {vw.min_prediction(), vw.max_prediction()}) {
    if (std::abs(bound) <= 1e12) continue;
    return absl::InvalidArgumentError(
        StrCat("option vowpal_wabbit.min_prediction or max_prediction is ", bound,
               "; it must be -1e12 to 1e12"));
  }
  return absl::OkStatus();
}

VwLink LinkOf(const v1::VowpalWabbit& spec) {
  if (spec.binary()) return VwLink::kSign;
  switch (spec.link()) {
    case v1::VowpalWabbit::LINK_LOGISTIC:
      return VwLink::kLogistic;
    case v1::VowpalWabbit::LINK_GLF1:
      return VwLink::kGlf1;
    case v1::VowpalWabbit::LINK_POISSON:
      return VwLink::kPoisson;
    default:
      return VwLink::kIdentity;
  }
}

// The loss that a model which follows Vowpal Wabbit minimises.
LossKind VwLossKindOf(const v1::LearnerSpec& spec) {
  switch (spec.loss()) {
    case v1::LOSS_LOGISTIC:
      return LossKind::kShareLogistic;
    case v1::LOSS_HINGE:
      return LossKind::kMarginHinge;
    case v1::LOSS_POISSON:
      return LossKind::kDeviance;
    case v1::LOSS_QUANTILE:
      return LossKind::kQuantile;
    default:
      return spec.vowpal_wabbit().has_expectile_q() ? LossKind::kExpectile : LossKind::kSquared;
  }
}

VwOptions VwOptionsOf(const v1::LearnerSpec& spec) {
  const v1::VowpalWabbit& vw = spec.vowpal_wabbit();
  VwOptions options;
  options.loss = {.kind = VwLossKindOf(spec),
                  .is_classic = vw.classic(),
                  .parameter = vw.has_expectile_q() ? vw.expectile_q() : spec.quantile_tau(),
                  .link = LinkOf(vw)};
  options.descent = {.power = vw.power_t(),
                     .adaptive = spec.nag().adaptive(),
                     .normalized = spec.nag().normalized(),
                     .invariant = spec.nag().invariant(),
                     .initial_t = vw.initial_t(),
                     .initial_weight = vw.initial_weight()};
  if (vw.has_min_prediction()) options.bounds.min = vw.min_prediction();
  if (vw.has_max_prediction()) options.bounds.max = vw.max_prediction();
  options.constant = vw.constant();
  options.sparse_l2 = vw.sparse_l2();
  return options;
}

OptimizerOptions OptimizerOf(const v1::LearnerSpec& spec) {
  switch (spec.optimizer_case()) {
    case v1::LearnerSpec::kSgd:
      return Sgd::Options{};
    case v1::LearnerSpec::kMinibatch:
      return MiniBatch::Options{.examples = spec.minibatch().examples()};
    case v1::LearnerSpec::kMomentum:
      return Momentum::Options{.momentum = spec.momentum().momentum()};
    case v1::LearnerSpec::kNesterov:
      return Nesterov::Options{.momentum = spec.nesterov().momentum()};
    case v1::LearnerSpec::kRmsprop:
      return RmsProp::Options{.rho = spec.rmsprop().rho(), .epsilon = spec.rmsprop().epsilon()};
    case v1::LearnerSpec::kAdam:
      return Adam::Options{.beta1 = spec.adam().beta1(),
                           .beta2 = spec.adam().beta2(),
                           .epsilon = spec.adam().epsilon()};
    case v1::LearnerSpec::kFtrl:
      return Ftrl::Options{.beta = spec.ftrl().beta()};
    case v1::LearnerSpec::kNag:
      return NagOptions{.power = spec.nag().power(),
                        .adaptive = spec.nag().adaptive(),
                        .normalized = spec.nag().normalized(),
                        .invariant = spec.nag().invariant()};
    case v1::LearnerSpec::kCoin:
      return Coin::Options{.alpha = spec.coin().alpha(), .beta = spec.coin().beta()};
    case v1::LearnerSpec::kAuto:
      return AutoOptionsOf(spec.auto_());
    case v1::LearnerSpec::kAdagrad:
    case v1::LearnerSpec::OPTIMIZER_NOT_SET:
      break;
  }
  return AdaGrad::Options{.epsilon = spec.adagrad().epsilon()};
}

ScheduleOptions ScheduleOf(const v1::LearnerSpec& spec) {
  switch (spec.schedule_case()) {
    case v1::LearnerSpec::kInversePower:
      return InversePowerSchedule{.t0 = spec.inverse_power().t0(),
                                  .power = spec.inverse_power().power()};
    case v1::LearnerSpec::kExponential:
      return ExponentialSchedule{.decay = spec.exponential().decay(),
                                 .decay_steps = spec.exponential().decay_steps()};
    case v1::LearnerSpec::kStep:
      return StepSchedule{.decay = spec.step().decay(), .decay_steps = spec.step().decay_steps()};
    case v1::LearnerSpec::kPlateau:
      return PlateauSchedule{.factor = spec.plateau().factor(),
                             .patience = spec.plateau().patience(),
                             .window = spec.plateau().window(),
                             .threshold = spec.plateau().threshold(),
                             .min_share = spec.plateau().min_share()};
    case v1::LearnerSpec::kConstant:
    case v1::LearnerSpec::SCHEDULE_NOT_SET:
      break;
  }
  return ConstantSchedule{};
}

}  // namespace

absl::StatusOr<v1::LearnerSpec> ResolveLearnerSpec(const v1::LearnerSpec& spec) {
  if (spec.loss() == v1::LOSS_UNSPECIFIED || !v1::Loss_IsValid(spec.loss())) {
    return absl::InvalidArgumentError(
        StrCat("option loss is ", static_cast<int>(spec.loss()),
               "; it must be set, to LOSS_LOGISTIC, LOSS_SQUARED, LOSS_HINGE, LOSS_POISSON or "
               "LOSS_QUANTILE"));
  }
  v1::LearnerSpec resolved = spec;
  if (resolved.optimizer_case() == v1::LearnerSpec::OPTIMIZER_NOT_SET) resolved.mutable_auto_();
  if (resolved.schedule_case() == v1::LearnerSpec::SCHEDULE_NOT_SET) resolved.mutable_constant();
  const absl::StatusOr<OptionNames> unused = UnusedOptions(resolved);
  if (!unused.ok()) return unused.status();
  if (!resolved.has_intercept()) resolved.set_intercept(true);
  // These two defaults depend on other options.
  if (!resolved.has_learning_rate() && !unused->contains("learning_rate")) {
    resolved.set_learning_rate(LearnerInfoOf(resolved).default_learning_rate());
  }
  if (!resolved.has_intercept_learning_rate() && !unused->contains("intercept_learning_rate")) {
    resolved.set_intercept_learning_rate(resolved.learning_rate());
  }
  absl::Status status = ResolveOptions(resolved, "", *unused);
  if (status.ok() && resolved.has_features()) {
    status = ResolveFeatureSpec(*resolved.mutable_features());
  }
  if (status.ok()) status = CheckVowpalWabbit(resolved);
  if (!status.ok()) return status;
  if (resolved.has_auto_() && !HasMember(resolved.auto_())) {
    return absl::InvalidArgumentError(
        "every member of auto is off; leave at least one of adagrad, fading_adagrad, coin, newton, "
        "slow_sgd and fast_sgd on");
  }
  if (AddsL2ToGradients(resolved) && resolved.learning_rate() * resolved.l2() >= 1) {
    return absl::InvalidArgumentError(StrCat("option l2 is ", resolved.l2(),
                                             "; learning_rate * l2 must be below 1, so with the ",
                                             "learning_rate ", resolved.learning_rate(),
                                             " it must be below ", 1 / resolved.learning_rate()));
  }
  return resolved;
}

absl::StatusOr<v1::LearnerSpec> ResolveNewLearnerSpec(const v1::LearnerSpec& spec) {
  v1::LearnerSpec newest = spec;
  if (newest.optimizer_case() == v1::LearnerSpec::OPTIMIZER_NOT_SET) newest.mutable_auto_();
  if (newest.has_auto_() && !newest.auto_().has_rules()) {
    newest.mutable_auto_()->set_rules(static_cast<uint32_t>(kNewestAutoRules));
  }
  constexpr auto kNewest = static_cast<uint32_t>(kNewestLinearRules);
  if (newest.has_sgd() && !newest.sgd().has_rules()) newest.mutable_sgd()->set_rules(kNewest);
  if (newest.has_nag() && !newest.nag().has_rules()) newest.mutable_nag()->set_rules(kNewest);
  if (newest.has_ftrl() && !newest.ftrl().has_rules()) newest.mutable_ftrl()->set_rules(kNewest);
  if (newest.has_coin() && !newest.coin().has_rules()) newest.mutable_coin()->set_rules(kNewest);
  return ResolveLearnerSpec(newest);
}

absl::StatusOr<std::unique_ptr<Learner>> MakeLearner(const v1::LearnerSpec& resolved) {
  LearnerSpec spec;
  spec.loss = LossKindOf(resolved);
  spec.quantile_tau = resolved.quantile_tau();
  spec.optimizer = OptimizerOf(resolved);
  spec.schedule = ScheduleOf(resolved);
  spec.linear = {.learning_rate = resolved.learning_rate(),
                 .l1 = resolved.l1(),
                 .l2 = resolved.l2(),
                 .gradient_clip = resolved.gradient_clip(),
                 .intercept = resolved.intercept(),
                 .intercept_learning_rate = resolved.intercept_learning_rate(),
                 .initial_intercept = resolved.initial_intercept(),
                 .regularize_intercept = resolved.regularize_intercept(),
                 .bits = static_cast<int>(resolved.bits())};
  if (RulesOf(resolved) == static_cast<uint32_t>(LinearRules::kSecond)) {
    spec.rules = LinearRules::kSecond;
  }
  if (resolved.has_vowpal_wabbit()) {
    spec.loss = VwLossKindOf(resolved);
    spec.rules = LinearRules::kSecond;
    spec.vw = VwOptionsOf(resolved);
  }
  spec.features = FeatureOptionsOf(resolved.features());
  return MakeLearner(spec);
}

float ScoreCorrectionOf(const v1::LearnerSpec& resolved) {
  if (!resolved.has_negative_sampling_rate()) return 0;
  return static_cast<float>(std::log(resolved.negative_sampling_rate()));
}

LossKind ReportedLossOf(const v1::LearnerSpec& resolved) {
  if (!resolved.has_vowpal_wabbit()) return LossKindOf(resolved);
  return resolved.vowpal_wabbit().binary() ? LossKind::kZeroOne : VwLossKindOf(resolved);
}

LossKind LossKindOf(const v1::LearnerSpec& resolved) {
  if (resolved.has_vowpal_wabbit()) {
    const LossKind reported = ReportedLossOf(resolved);
    if (reported == LossKind::kSquared) return LossKind::kVwSquared;
    return reported == LossKind::kQuantile ? LossKind::kVwQuantile : reported;
  }
  switch (resolved.loss()) {
    case v1::LOSS_SQUARED:
      return LossKind::kSquared;
    case v1::LOSS_HINGE:
      return LossKind::kHinge;
    case v1::LOSS_POISSON:
      return LossKind::kPoisson;
    case v1::LOSS_QUANTILE:
      return LossKind::kQuantile;
    default:
      return LossKind::kLogistic;
  }
}

bool SupportsCorrections(const v1::LearnerSpec& resolved) {
  return !resolved.has_vowpal_wabbit() && SupportsCorrections(OptimizerOf(resolved));
}

ProgressiveMetrics::Options MetricsOptionsOf(const v1::LearnerSpec& learner) {
  ProgressiveMetrics::Options options{.loss = ReportedLossOf(learner)};
  if (learner.has_quantile_tau()) options.quantile_tau = learner.quantile_tau();
  if (learner.vowpal_wabbit().has_expectile_q()) {
    options.quantile_tau = learner.vowpal_wabbit().expectile_q();
  }
  if (learner.has_negative_sampling_rate()) {
    options.negative_sampling_rate = learner.negative_sampling_rate();
  }
  return options;
}

}  // namespace freshet
