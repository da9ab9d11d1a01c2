#include "server/view/label_rule_check.h"

#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/str_cat.h"
#include "core/loss/loss_kind.h"
#include "server/record/events_record.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

constexpr uint64_t kMostDays = 3650;
constexpr uint64_t kMostMs = kMostDays * 24 * 3600 * 1000;
constexpr uint64_t kDefaultHoldMs = 600'000;
constexpr uint64_t kDefaultPendingEvents = 100'000'000;
constexpr uint64_t kDefaultPendingBytes = uint64_t{64} << 30;

absl::Status Bad(std::string_view field, std::string_view reason) {
  return absl::InvalidArgumentError(StrCat("label_rule.", field, ": ", reason));
}

absl::Status CheckFeedback(const v1::LabelRule& rule) {
  std::set<std::string_view> names;
  for (const v1::CountedFeedback& counted : rule.feedback()) {
    if (counted.name().empty() || counted.name().size() > kMaxFeedbackNameBytes) {
      return Bad("feedback.name", StrCat("takes 1 to ", kMaxFeedbackNameBytes, " bytes"));
    }
    if (!names.insert(counted.name()).second) {
      return Bad("feedback.name", StrCat("\"", counted.name(), "\" is there twice"));
    }
    if (counted.has_weight() && !(std::isfinite(counted.weight()) && counted.weight() >= 0)) {
      return Bad("feedback.weight", "must be finite and >= 0");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTimes(const v1::LabelRule& rule) {
  for (const auto& [name, value] :
       {std::pair("wait_ms", rule.wait_ms()), std::pair("horizon_ms", rule.horizon_ms()),
        std::pair("hold_ms", rule.hold_ms())}) {
    if (value > kMostMs) return Bad(name, StrCat("is more than ", kMostDays, " days"));
  }
  if (rule.horizon_ms() < rule.wait_ms()) {
    return Bad("horizon_ms",
               StrCat("is ", rule.horizon_ms(), "; it must be at least wait_ms, ", rule.wait_ms()));
  }
  return absl::OkStatus();
}

// Labels must be such that the loss allows them, whatever the feedback.
absl::Status CheckLabels(const v1::LabelRule& rule, LossKind loss) {
  const float other = rule.default_label();
  if (!std::isfinite(other)) return Bad("default_label", "must be finite");
  if (rule.has_threshold() && !std::isfinite(rule.threshold())) {
    return Bad("threshold", "must be finite");
  }
  if (loss == LossKind::kPoisson && other < 0) {
    return Bad("default_label", "Poisson loss takes counts, >= 0");
  }
  if (!IsBinary(loss)) return absl::OkStatus();
  if (other != 0 && other != 1 && other != -1) {
    return Bad("default_label", "this loss takes 1 (positive) and 0 or -1 (negative)");
  }
  if (rule.aggregate() != v1::FEEDBACK_AGGREGATE_ANY && !rule.has_threshold()) {
    return Bad("threshold",
               "is needed, since this loss takes labels 0 and 1 and the aggregate may be any "
               "number: set a threshold, or aggregate to FEEDBACK_AGGREGATE_ANY");
  }
  return absl::OkStatus();
}

absl::Status CheckLearners(const v1::LabelRule& rule, const v1::Model& model) {
  if (model.durability() == v1::DURABILITY_NONE) {
    return absl::InvalidArgumentError(
        "label_rule: events wait in the model's log, and a model of DURABILITY_NONE has none; "
        "choose DURABILITY_FSYNC or DURABILITY_OS");
  }
  if (rule.policy() != v1::LABEL_POLICY_CORRECT) return absl::OkStatus();
  for (const v1::Variant& variant : model.variants()) {
    if (SupportsCorrections(variant.learner())) continue;
    return Bad("policy", StrCat("LABEL_POLICY_CORRECT needs a learner whose steps are gradients, "
                                "such as adagrad or ftrl; ",
                                variant.name(), " has another one"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::LabelRule> ResolveLabelRule(const v1::LabelRule& rule, const v1::Model& model) {
  v1::LabelRule resolved = rule;
  if (rule.policy() == v1::LABEL_POLICY_UNSPECIFIED) {
    resolved.set_policy(v1::LABEL_POLICY_AFTER_WAIT);
  } else if (!v1::LabelPolicy_IsValid(rule.policy())) {
    return Bad("policy", "is not known to this server");
  }
  if (rule.aggregate() == v1::FEEDBACK_AGGREGATE_UNSPECIFIED) {
    resolved.set_aggregate(v1::FEEDBACK_AGGREGATE_ANY);
  } else if (!v1::FeedbackAggregate_IsValid(rule.aggregate())) {
    return Bad("aggregate", "is not known to this server");
  }
  if (rule.horizon_ms() == 0) resolved.set_horizon_ms(rule.wait_ms());
  if (rule.hold_ms() == 0) resolved.set_hold_ms(kDefaultHoldMs);
  if (rule.max_pending_events() == 0) resolved.set_max_pending_events(kDefaultPendingEvents);
  if (rule.max_pending_bytes() == 0) resolved.set_max_pending_bytes(kDefaultPendingBytes);
  absl::Status status = CheckFeedback(resolved);
  if (status.ok()) status = CheckTimes(resolved);
  for (const v1::Variant& variant : model.variants()) {
    if (status.ok()) status = CheckLabels(resolved, LossKindOf(variant.learner()));
  }
  if (status.ok()) status = CheckLearners(resolved, model);
  if (!status.ok()) return status;
  return resolved;
}

}  // namespace freshet
