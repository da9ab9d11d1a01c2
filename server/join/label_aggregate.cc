#include "server/join/label_aggregate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace freshet {
namespace {

constexpr int64_t kDefaultHoldMs = int64_t{10} * 60 * 1000;

int64_t ClampSpan(uint64_t span_ms) {
  return static_cast<int64_t>(std::min(span_ms, static_cast<uint64_t>(kMaxSpanMs)));
}

v1::FeedbackAggregate AggregateOf(const v1::LabelRule& rule) {
  return rule.aggregate() == v1::FEEDBACK_AGGREGATE_UNSPECIFIED ? v1::FEEDBACK_AGGREGATE_ANY
                                                                : rule.aggregate();
}

// The kind of feedback of this name, if the rule lists it.
const v1::CountedFeedback* FindCounted(const v1::LabelRule& rule, std::string_view name) {
  for (const v1::CountedFeedback& counted : rule.feedback()) {
    if (counted.name() == name) return &counted;
  }
  return nullptr;
}

// What all aggregates need of the feedback that counts. Takes it in the order in which it came.
class LabelTally {
 public:
  void Add(const Feedback& item, float weight) {
    const double value = item.value;
    if (count_ == 0 || item.time_ms < first_ms_) {
      first_ms_ = item.time_ms;
      first_ = value;
    }
    if (count_ == 0 || item.time_ms >= last_ms_) {
      last_ms_ = item.time_ms;
      last_ = value;
    }
    min_ = count_ == 0 ? value : std::min(min_, value);
    max_ = count_ == 0 ? value : std::max(max_, value);
    weight_ = count_ == 0 ? weight : std::max(weight_, weight);
    sum_ += value;
    any_ = any_ || value != 0;
    ++count_;
  }

  uint64_t count() const { return count_; }
  float weight() const { return weight_; }
  double min() const { return min_; }

  // REQUIRES: count() > 0.
  double Value(v1::FeedbackAggregate aggregate) const {
    switch (aggregate) {
      case v1::FEEDBACK_AGGREGATE_FIRST:
        return first_;
      case v1::FEEDBACK_AGGREGATE_LAST:
        return last_;
      case v1::FEEDBACK_AGGREGATE_SUM:
        return sum_;
      case v1::FEEDBACK_AGGREGATE_MEAN:
        return sum_ / static_cast<double>(count_);
      case v1::FEEDBACK_AGGREGATE_MIN:
        return min_;
      case v1::FEEDBACK_AGGREGATE_MAX:
        return max_;
      case v1::FEEDBACK_AGGREGATE_COUNT:
        return static_cast<double>(count_);
      default:
        return any_ ? 1.0 : 0.0;
    }
  }

 private:
  uint64_t count_ = 0;
  int64_t first_ms_ = 0;
  int64_t last_ms_ = 0;
  double first_ = 0;
  double last_ = 0;
  double min_ = 0;
  double max_ = 0;
  double sum_ = 0;
  float weight_ = 1;
  bool any_ = false;
};

LabelTally TallyOf(const v1::LabelRule& rule, std::span<const Feedback> items, int64_t until_ms) {
  LabelTally tally;
  for (const Feedback& item : items) {
    if (item.withdraws || item.withdrawn || item.time_ms > until_ms) continue;
    const v1::CountedFeedback* const counted = FindCounted(rule, item.name);
    if (counted == nullptr && !rule.feedback().empty()) continue;
    tally.Add(item, counted != nullptr && counted->has_weight() ? counted->weight() : 1.0f);
  }
  return tally;
}

AddedFeedback Withdraw(Feedback withdrawal, std::vector<Feedback>& items) {
  if (withdrawal.feedback_id.empty()) {
    for (Feedback& item : items) {
      if (!item.withdraws && item.name == withdrawal.name) item.withdrawn = true;
    }
    return AddedFeedback::kNew;
  }
  for (Feedback& item : items) {
    if (item.feedback_id != withdrawal.feedback_id) continue;
    if (item.withdraws || item.withdrawn) return AddedFeedback::kDuplicate;
    item.withdrawn = true;
    return AddedFeedback::kNew;
  }
  if (items.size() >= kMaxFeedbackPerEvent) return AddedFeedback::kTooMuch;
  items.push_back(std::move(withdrawal));
  return AddedFeedback::kNew;
}

}  // namespace

AddedFeedback AddFeedback(Feedback feedback, std::vector<Feedback>& items) {
  if (feedback.withdraws) return Withdraw(std::move(feedback), items);
  if (!feedback.feedback_id.empty()) {
    for (Feedback& item : items) {
      if (item.feedback_id != feedback.feedback_id) continue;
      if (!item.withdraws) return AddedFeedback::kDuplicate;
      feedback.withdrawn = true;
      item = std::move(feedback);
      return AddedFeedback::kNew;
    }
  }
  if (items.size() >= kMaxFeedbackPerEvent) return AddedFeedback::kTooMuch;
  items.push_back(std::move(feedback));
  return AddedFeedback::kNew;
}

int64_t WaitMs(const v1::LabelRule& rule) { return ClampSpan(rule.wait_ms()); }

int64_t HorizonMs(const v1::LabelRule& rule) {
  return ClampSpan(std::max(rule.horizon_ms(), rule.wait_ms()));
}

int64_t HoldMs(const v1::LabelRule& rule) {
  return rule.hold_ms() == 0 ? kDefaultHoldMs : ClampSpan(rule.hold_ms());
}

int64_t AddMs(int64_t time_ms, int64_t span_ms) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(time_ms, span_ms, &sum)) return sum;
  return span_ms > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

bool CountsAsFeedback(const v1::LabelRule& rule, std::string_view name) {
  return rule.feedback().empty() || FindCounted(rule, name) != nullptr;
}

float DefaultLabelOf(const v1::LabelRule& rule) {
  return rule.drop_unmatched() ? std::numeric_limits<float>::quiet_NaN() : rule.default_label();
}

EventLabel LabelOf(const v1::LabelRule& rule, std::span<const Feedback> items, int64_t until_ms) {
  const LabelTally tally = TallyOf(rule, items, until_ms);
  if (tally.count() == 0) return {.label = DefaultLabelOf(rule), .weight = 1, .matched = false};
  const double value = tally.Value(AggregateOf(rule));
  float label = static_cast<float>(value);
  if (rule.has_threshold()) label = value >= rule.threshold() ? 1.0f : 0.0f;
  if (!std::isfinite(label)) label = std::numeric_limits<float>::quiet_NaN();
  return {.label = label, .weight = tally.weight(), .matched = true};
}

bool SettlesLabel(const v1::LabelRule& rule, std::span<const Feedback> items, int64_t until_ms) {
  const LabelTally tally = TallyOf(rule, items, until_ms);
  if (tally.count() == 0) return false;
  const v1::FeedbackAggregate aggregate = AggregateOf(rule);
  const double value = tally.Value(aggregate);
  switch (aggregate) {
    case v1::FEEDBACK_AGGREGATE_ANY:
      return value != 0;
    case v1::FEEDBACK_AGGREGATE_FIRST:
      return true;
    case v1::FEEDBACK_AGGREGATE_SUM:
      return tally.min() >= 0 && rule.has_threshold() && value >= rule.threshold();
    case v1::FEEDBACK_AGGREGATE_COUNT:
    case v1::FEEDBACK_AGGREGATE_MAX:
      return rule.has_threshold() && value >= rule.threshold();
    default:
      return false;
  }
}

}  // namespace freshet
