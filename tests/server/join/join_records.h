// Records of a log with events, feedback and decisions, for tests of the join.

#ifndef FRESHET_TESTS_SERVER_JOIN_JOIN_RECORDS_H_
#define FRESHET_TESTS_SERVER_JOIN_JOIN_RECORDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "freshet/v1/label_rule.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/log_record.pb.h"
#include "server/record/record.h"

namespace freshet {

// Events of these ids; each has one feature. `own_times_ms` is empty or has one for each.
inline Record EventsAt(int64_t time_ms, const std::vector<std::string>& ids,
                       const std::vector<int64_t>& own_times_ms = {}) {
  v1::LearnRequest request;
  for (const std::string& id : ids) {
    request.add_event_ids(id);
    v1::Feature& feature =
        *request.mutable_examples()->add_examples()->add_namespaces()->add_features();
    feature.set_name("f");
  }
  request.mutable_event_times_ms()->Assign(own_times_ms.begin(), own_times_ms.end());
  std::unique_ptr<BatchRecord> batch =
      BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  batch->Decode(LossKind::kLogistic, BatchLimits(), error);
  EventsRecord events;
  events.rows = std::move(batch);
  return {.time_ms = time_ms, .body = std::move(events)};
}

inline v1::FeedbackItem Item(const std::string& event_id, float value = 1,
                             std::optional<int64_t> time_ms = std::nullopt,
                             const std::string& feedback_id = "",
                             const std::string& name = "click") {
  v1::FeedbackItem item;
  item.set_event_id(event_id);
  item.set_name(name);
  item.set_value(value);
  item.set_feedback_id(feedback_id);
  if (time_ms.has_value()) item.set_time_ms(*time_ms);
  return item;
}

inline v1::FeedbackItem Withdrawal(const std::string& event_id, const std::string& feedback_id,
                                   const std::string& name = "click") {
  v1::FeedbackItem item;
  item.set_event_id(event_id);
  item.set_name(name);
  item.set_feedback_id(feedback_id);
  item.set_withdraw(true);
  return item;
}

inline Record FeedbackAt(int64_t time_ms, const std::vector<v1::FeedbackItem>& items) {
  v1::FeedbackRequest request;
  for (const v1::FeedbackItem& item : items) *request.add_items() = item;
  return {.time_ms = time_ms, .body = ParseFeedback(SharedBytes::Of(request.SerializeAsString()))};
}

inline Record LabelsAt(int64_t time_ms, v1::LabelsNote note) {
  return {.time_ms = time_ms,
          .body = LabelsRecord{.note = std::make_shared<const v1::LabelsNote>(std::move(note)),
                               .rows = nullptr}};
}

inline Record RuleAt(int64_t time_ms, const v1::LabelRule& rule) {
  SettingsRecord settings;
  *settings.settings.mutable_label_rule() = rule;
  return {.time_ms = time_ms, .body = std::move(settings)};
}

inline v1::LabelRule RuleOf(v1::LabelPolicy policy, uint64_t wait_ms, uint64_t horizon_ms = 0,
                            uint64_t hold_ms = 0) {
  v1::LabelRule rule;
  rule.set_policy(policy);
  rule.set_wait_ms(wait_ms);
  rule.set_horizon_ms(horizon_ms);
  rule.set_hold_ms(hold_ms);
  return rule;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_JOIN_JOIN_RECORDS_H_
