#include "client/command/label_flags.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "client/command/command.h"
#include "client/command/quantity.h"
#include "core/base/str_cat.h"
#include "core/cli/suggest.h"
#include "core/format/number.h"

namespace freshet {
namespace {

constexpr std::array<std::pair<std::string_view, v1::LabelPolicy>, 3> kPolicies = {
    {{"after-wait", v1::LABEL_POLICY_AFTER_WAIT},
     {"at-feedback", v1::LABEL_POLICY_AT_FEEDBACK},
     {"correct", v1::LABEL_POLICY_CORRECT}}};

constexpr std::array<std::pair<std::string_view, v1::FeedbackAggregate>, 8> kAggregates = {
    {{"any", v1::FEEDBACK_AGGREGATE_ANY},
     {"first", v1::FEEDBACK_AGGREGATE_FIRST},
     {"last", v1::FEEDBACK_AGGREGATE_LAST},
     {"sum", v1::FEEDBACK_AGGREGATE_SUM},
     {"mean", v1::FEEDBACK_AGGREGATE_MEAN},
     {"min", v1::FEEDBACK_AGGREGATE_MIN},
     {"max", v1::FEEDBACK_AGGREGATE_MAX},
     {"count", v1::FEEDBACK_AGGREGATE_COUNT}}};

template <typename Names>
std::vector<std::string> NamesIn(const Names& names) {
  std::vector<std::string> out;
  out.reserve(names.size());
  for (const auto& entry : names) out.emplace_back(entry.first);
  return out;
}

template <typename Names, typename Value>
std::string NameIn(const Names& names, Value value) {
  if (static_cast<int>(value) == 0) return std::string(names.front().first);
  for (const auto& entry : names) {
    if (entry.second == value) return std::string(entry.first);
  }
  return "";
}

// Sets `value` to the one with this name; leaves it alone if the name is empty.
template <typename Names, typename Value>
absl::Status ReadName(std::string_view what, std::string_view name, const Names& names,
                      Value& value) {
  if (name.empty()) return absl::OkStatus();
  for (const auto& entry : names) {
    if (entry.first != name) continue;
    value = entry.second;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(NotOneOf(what, name, NamesIn(names)));
}

// Milliseconds from "10m" and the like; leaves `ms` alone if the text is empty.
absl::Status ReadDuration(std::string_view flag, std::string_view text, uint64_t& ms) {
  if (text.empty()) return absl::OkStatus();
  const absl::StatusOr<uint64_t> seconds = ParseSeconds(text);
  if (!seconds.ok() || *seconds > UINT64_MAX / 1000) {
    return absl::InvalidArgumentError(
        StrCat(flag, ": '", text, "' is not a duration; write 90 for seconds, or 30m, 12h or 7d"));
  }
  ms = *seconds * 1000;
  return absl::OkStatus();
}

// Reads NAME or NAME:WEIGHT. A colon that no number follows belongs to the name.
v1::CountedFeedback ParseFeedback(std::string_view text) {
  v1::CountedFeedback counted;
  const size_t colon = text.rfind(':');
  float weight = 0;
  if (colon != std::string_view::npos && colon > 0 &&
      ParseFiniteFloat(text.substr(colon + 1), weight) && weight >= 0) {
    counted.set_weight(weight);
    text = text.substr(0, colon);
  }
  counted.set_name(std::string(text));
  return counted;
}

// One of the flags given other than --wait; empty if there is none.
std::string_view OtherFlag(const LabelFlags& flags) {
  if (!flags.horizon.empty()) return "--horizon";
  if (!flags.hold.empty()) return "--hold";
  if (!flags.policy.empty()) return "--label-policy";
  if (!flags.feedback.empty()) return "--feedback";
  if (!flags.aggregate.empty()) return "--aggregate";
  if (flags.threshold) return "--label-threshold";
  if (flags.default_label) return "--default-label";
  if (flags.drop_unmatched) return "--drop-unmatched";
  if (flags.max_pending_events) return "--max-pending-events";
  if (!flags.max_pending_bytes.empty()) return "--max-pending-bytes";
  return {};
}

absl::Status CheckTogether(const LabelFlags& flags, const v1::LabelRule& rule) {
  const auto bad = [](std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); };
  if (rule.horizon_ms() != 0 && rule.horizon_ms() < rule.wait_ms()) {
    return bad(StrCat("--horizon ", flags.horizon, " is shorter than --wait ", flags.wait,
                      "; feedback counts at least as long as events wait"));
  }
  if (flags.drop_unmatched && flags.default_label) {
    return bad(
        "--drop-unmatched and --default-label cannot be combined: each says what becomes of events "
        "without feedback");
  }
  if (rule.has_threshold() && !std::isfinite(rule.threshold())) {
    return bad("--label-threshold must be a finite number");
  }
  if (rule.has_default_label() && !std::isfinite(rule.default_label())) {
    return bad("--default-label must be a finite number");
  }
  for (const v1::CountedFeedback& counted : rule.feedback()) {
    if (counted.name().empty() || counted.name().size() > 64) {
      return bad(StrCat("--feedback '", counted.name(), "': a name has 1 to 64 bytes"));
    }
    const auto same = std::count_if(
        rule.feedback().begin(), rule.feedback().end(),
        [&counted](const v1::CountedFeedback& other) { return other.name() == counted.name(); });
    if (same > 1) return bad(StrCat("--feedback names ", counted.name(), " twice"));
  }
  return absl::OkStatus();
}

absl::Status ReadLimits(const LabelFlags& flags, v1::LabelRule& rule) {
  if (flags.max_pending_events) rule.set_max_pending_events(*flags.max_pending_events);
  if (flags.max_pending_bytes.empty()) return absl::OkStatus();
  const absl::StatusOr<uint64_t> bytes = ParseBytes(flags.max_pending_bytes);
  if (!bytes.ok()) return bytes.status();
  rule.set_max_pending_bytes(*bytes);
  return absl::OkStatus();
}

absl::Status ReadTimes(const LabelFlags& flags, v1::LabelRule& rule) {
  uint64_t wait = 0;
  uint64_t horizon = 0;
  uint64_t hold = 0;
  absl::Status status = ReadDuration("--wait", flags.wait, wait);
  if (status.ok()) status = ReadDuration("--horizon", flags.horizon, horizon);
  if (status.ok()) status = ReadDuration("--hold", flags.hold, hold);
  rule.set_wait_ms(wait);
  rule.set_horizon_ms(horizon);
  rule.set_hold_ms(hold);
  return status;
}

}  // namespace

void AddLabelFlags(CLI::App& command, LabelFlags& flags) {
  command
      .add_option("--wait", flags.wait,
                  "The model takes events whose labels come later: how long an event waits for its "
                  "feedback, such as 10m; 0 is allowed. The options below need it")
      ->type_name("DURATION");
  command
      .add_option(
          "--horizon", flags.horizon,
          "How long after an event its feedback is still taken note of (default: as --wait)")
      ->type_name("DURATION");
  command
      .add_option("--label-policy", flags.policy,
                  "When an event is learned: after-wait, at-feedback or correct (default: "
                  "after-wait)")
      ->type_name("POLICY");
  AddRepeatedOption(
      command, "--feedback", flags.feedback,
      "Feedback that counts towards the label, and the importance weight of events that "
      "get it (default: all, with weight 1). May be repeated")
      ->type_name("NAME[:WEIGHT]");
  command
      .add_option("--aggregate", flags.aggregate,
                  "How several values become one: any, first, last, sum, mean, min, max or count "
                  "(default: any)")
      ->type_name("AGGREGATE");
  command
      .add_option("--label-threshold", flags.threshold,
                  "The label is 1 if the aggregate is at least this, else 0 (default: the label is "
                  "the aggregate)")
      ->type_name("X");
  command
      .add_option("--default-label", flags.default_label,
                  "The label of events without feedback that counts (default: 0)")
      ->type_name("LABEL");
  command.add_flag("--drop-unmatched", flags.drop_unmatched,
                   "Do not learn events without feedback that counts");
  command
      .add_option("--hold", flags.hold,
                  "How long feedback that comes first waits for its event (default: 10m)")
      ->type_name("DURATION");
  command
      .add_option("--max-pending-events", flags.max_pending_events,
                  "Refuse events while this many wait (default: 100 million)")
      ->type_name("N");
  command
      .add_option("--max-pending-bytes", flags.max_pending_bytes,
                  "Refuse events while this much of the log waits, such as 10G (default: 64Gi)")
      ->type_name("SIZE");
}

absl::StatusOr<std::optional<v1::LabelRule>> MakeLabelRule(const LabelFlags& flags) {
  if (flags.wait.empty()) {
    const std::string_view other = OtherFlag(flags);
    if (other.empty()) return std::nullopt;
    return absl::InvalidArgumentError(
        StrCat(other,
               " needs --wait, which says how long events wait for their feedback and so makes "
               "the label rule"));
  }
  v1::LabelRule rule;
  v1::LabelPolicy policy = v1::LABEL_POLICY_AFTER_WAIT;
  v1::FeedbackAggregate aggregate = v1::FEEDBACK_AGGREGATE_ANY;
  absl::Status status = ReadTimes(flags, rule);
  if (status.ok()) status = ReadName("policy", flags.policy, kPolicies, policy);
  if (status.ok()) status = ReadName("aggregate", flags.aggregate, kAggregates, aggregate);
  if (status.ok()) status = ReadLimits(flags, rule);
  if (!status.ok()) return status;
  rule.set_policy(policy);
  rule.set_aggregate(aggregate);
  for (const std::string& text : flags.feedback) *rule.add_feedback() = ParseFeedback(text);
  if (flags.threshold) rule.set_threshold(*flags.threshold);
  if (flags.default_label) rule.set_default_label(*flags.default_label);
  rule.set_drop_unmatched(flags.drop_unmatched);
  status = CheckTogether(flags, rule);
  if (!status.ok()) return status;
  return rule;
}

std::vector<std::string> LabelPolicyNames() { return NamesIn(kPolicies); }
std::vector<std::string> FeedbackAggregateNames() { return NamesIn(kAggregates); }
std::string LabelPolicyName(v1::LabelPolicy policy) { return NameIn(kPolicies, policy); }
std::string FeedbackAggregateName(v1::FeedbackAggregate aggregate) {
  return NameIn(kAggregates, aggregate);
}

}  // namespace freshet
