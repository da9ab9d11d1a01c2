#include "tests/server/join/reference_join.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <variant>

namespace freshet {

bool ReferenceJoin::IsOlder(const Row& row, int64_t span_ms) const {
  return row.record_ms + span_ms < time_ms_ || (row.has_own_time && row.ms + span_ms < StreamMs());
}

bool ReferenceJoin::IsRemoved(const Row& row) const {
  return row.record_ms < removed_record_ms_ || (row.has_own_time && row.ms < removed_stream_ms_);
}

ReferenceJoin::Row* ReferenceJoin::FindKnown(const std::string& id) {
  const auto found = std::find_if(rows_.rbegin(), rows_.rend(), [&id](const Row& row) {
    return row.id == id && !row.is_duplicate;
  });
  return found == rows_.rend() || IsRemoved(*found) ? nullptr : &*found;
}

void ReferenceJoin::AddUnmatched(const std::string& id) {
  figures_.set_unmatched_count(figures_.unmatched_count() + 1);
  figures_.add_unmatched_samples(id);
  auto& samples = *figures_.mutable_unmatched_samples();
  if (samples.size() > 16) samples.DeleteSubrange(0, 1);
}

void ReferenceJoin::Apply(const Record& record) {
  time_ms_ = std::max(time_ms_, record.time_ms);
  const int64_t span = HorizonMs(rule_) + HoldMs(rule_);
  removed_record_ms_ = std::max(removed_record_ms_, time_ms_ - span);
  if (StreamMs() != kNever) removed_stream_ms_ = std::max(removed_stream_ms_, StreamMs() - span);
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->arrival_ms + HoldMs(rule_) < time_ms_) {
      AddUnmatched(held->id);
      held = held_.erase(held);
    } else {
      ++held;
    }
  }
  if (const auto* events = std::get_if<EventsRecord>(&record.body)) ApplyEvents(*events);
  if (const auto* feedback = std::get_if<FeedbackRecord>(&record.body)) ApplyFeedback(*feedback);
  if (const auto* labels = std::get_if<LabelsRecord>(&record.body)) ApplyLabels(*labels->note);
  if (const auto* settings = std::get_if<SettingsRecord>(&record.body)) {
    if (settings->settings.has_label_rule()) rule_ = settings->settings.label_rule();
  }
  ++offset_;
  figures_.set_held_count(held_.size());
  figures_.set_join_offset(offset_);
}

void ReferenceJoin::ApplyEvents(const EventsRecord& events) {
  std::set<std::string> ids;
  int64_t max_ms = max_event_ms_;
  const size_t first = rows_.size();
  for (size_t i = 0; i < events.size(); ++i) {
    Row row;
    row.id = std::string(events.event_id(i));
    row.offset = offset_;
    row.row = static_cast<uint32_t>(i);
    row.record_ms = time_ms_;
    row.has_own_time = events.has_own_times();
    row.ms = events.time_ms(i, time_ms_);
    if (row.has_own_time) max_ms = std::max(max_ms, row.ms);
    const Row* const known = FindKnown(row.id);
    row.is_duplicate =
        !ids.insert(row.id).second || (known != nullptr && !IsOlder(*known, HorizonMs(rule_)));
    figures_.set_event_count(figures_.event_count() + 1);
    if (row.is_duplicate) {
      figures_.set_duplicate_event_count(figures_.duplicate_event_count() + 1);
    } else {
      figures_.set_pending_count(figures_.pending_count() + 1);
    }
    rows_.push_back(row);
  }
  for (size_t i = first; i < rows_.size(); ++i) {
    if (rows_[i].is_duplicate) continue;
    for (auto held = held_.begin(); held != held_.end();) {
      if (held->id == rows_[i].id) {
        Attach(rows_[i], held->feedback);
        held = held_.erase(held);
      } else {
        ++held;
      }
    }
  }
  max_event_ms_ = max_ms;
}

void ReferenceJoin::ApplyFeedback(const FeedbackRecord& feedback) {
  int64_t max_ms = max_feedback_ms_;
  for (const v1::FeedbackItem& item : feedback.request->items()) {
    if (!IsGoodFeedback(item)) continue;
    if (item.has_time_ms()) max_ms = std::max(max_ms, item.time_ms());
    const bool counts = CountsAsFeedback(rule_, item.name());
    if (!counts && (!item.withdraw() || item.feedback_id().empty())) {
      figures_.set_ignored_count(figures_.ignored_count() + 1);
      continue;
    }
    Feedback one;
    one.name = item.name();
    one.feedback_id = item.feedback_id();
    one.value = item.has_value() ? item.value() : 1.0f;
    one.time_ms = item.has_time_ms() ? item.time_ms() : time_ms_;
    one.withdraws = item.withdraw();
    if (Row* const row = FindKnown(item.event_id()); row != nullptr) {
      Attach(*row, one);
    } else {
      held_.push_back({.id = item.event_id(), .feedback = one, .arrival_ms = time_ms_});
    }
  }
  max_feedback_ms_ = max_ms;
}

void ReferenceJoin::Attach(Row& row, const Feedback& feedback) {
  if (feedback.time_ms > row.ms + HorizonMs(rule_) || IsOlder(row, HorizonMs(rule_))) {
    figures_.set_expired_count(figures_.expired_count() + 1);
    return;
  }
  const AddedFeedback added = AddFeedback(feedback, row.items);
  if (added == AddedFeedback::kDuplicate) {
    figures_.set_duplicate_count(figures_.duplicate_count() + 1);
    return;
  }
  if (added == AddedFeedback::kTooMuch) {
    figures_.set_ignored_count(figures_.ignored_count() + 1);
    return;
  }
  if (row.decided || feedback.time_ms > row.ms + WaitMs(rule_)) {
    figures_.set_late_count(figures_.late_count() + 1);
    row.late = true;
  }
  Reconsider(row);
}

void ReferenceJoin::Reconsider(Row& row) {
  const auto index =
      static_cast<size_t>(std::find_if(rows_.begin(), rows_.end(),
                                       [&row](const Row& other) { return &other == &row; }) -
                          rows_.begin());
  const auto place = std::find(line_.begin(), line_.end(), index);
  bool wanted = place != line_.end();
  if (!row.decided && rule_.policy() == v1::LABEL_POLICY_AT_FEEDBACK) {
    wanted = SettlesLabel(rule_, row.items, row.ms + WaitMs(rule_));
  } else if (row.decided && rule_.policy() == v1::LABEL_POLICY_CORRECT &&
             row.offset >= settled_below_) {
    const float label = LabelOf(rule_, row.items, row.ms + HorizonMs(rule_)).label;
    wanted = !std::isnan(label) && label != row.label;
  }
  if (wanted && place == line_.end()) line_.push_back(index);
  if (!wanted && place != line_.end()) line_.erase(place);
}

bool ReferenceJoin::IsDue(const Row& row, int64_t now_ms) const {
  if (now_ms >= row.record_ms + WaitMs(rule_)) return true;
  return row.has_own_time && StreamMs() >= row.ms + WaitMs(rule_);
}

namespace {

// Decided rows in the plainest form: one v1.LabelledRecord each.
void AddDecided(uint64_t offset, uint32_t row, const EventLabel& label,
                std::optional<float> old_label, v1::LabelsNote& note) {
  v1::LabelledRecord& record = *note.add_records();
  record.set_offset(offset);
  record.add_rows(row);
  record.add_labels(label.label);
  record.add_weights(label.weight);
  record.add_matched(label.matched);
  if (old_label.has_value()) record.add_old_labels(*old_label);
}

}  // namespace

std::optional<v1::LabelsNote> ReferenceJoin::Decide(int64_t now_ms, size_t max_rows) const {
  v1::LabelsNote note;
  std::set<const Row*> early;
  size_t count = 0;
  for (const size_t index : line_) {
    if (count == max_rows) break;
    const Row& row = rows_[index];
    ++count;
    if (!row.decided) {
      early.insert(&row);
      AddDecided(row.offset, row.row, LabelOf(rule_, row.items, row.ms + WaitMs(rule_)), {}, note);
      continue;
    }
    EventLabel label = LabelOf(rule_, row.items, row.ms + HorizonMs(rule_));
    if (std::isnan(label.label)) {
      label = {.label = row.label, .weight = row.weight, .matched = row.matched};
    }
    std::optional<float> old_label;
    if (!std::isnan(row.label)) old_label = row.label;
    AddDecided(row.offset, row.row, label, old_label, note);
  }
  if (count < max_rows || line_.size() == count) {
    for (const Row& row : rows_) {
      if (row.decided || early.contains(&row)) continue;
      if (count == max_rows || !IsDue(row, now_ms)) break;
      EventLabel label = LabelOf(rule_, row.items, row.ms + WaitMs(rule_));
      if (row.is_duplicate) label = {.label = std::nanf("")};
      AddDecided(row.offset, row.row, label, {}, note);
      ++count;
    }
  }
  if (count == 0) return std::nullopt;
  note.set_number(number_ + 1);
  return note;
}

void ReferenceJoin::ApplyLabels(const v1::LabelsNote& note) {
  if (note.number() != number_ + 1) return;
  number_ = note.number();
  for (const v1::LabelledRecord& decided : note.records()) {
    for (int i = 0; i < decided.labels_size(); ++i) {
      const uint32_t number =
          decided.rows().empty() ? decided.first_row() + static_cast<uint32_t>(i) : decided.rows(i);
      for (Row& row : rows_) {
        if (row.offset == decided.offset() && row.row == number) ApplyLabel(row, decided, i);
      }
    }
  }
  settled_below_ = std::max(settled_below_, note.settled_below());
}

void ReferenceJoin::ApplyLabel(Row& row, const v1::LabelledRecord& decided, int index) {
  const auto self =
      static_cast<size_t>(std::find_if(rows_.begin(), rows_.end(),
                                       [&row](const Row& other) { return &other == &row; }) -
                          rows_.begin());
  std::erase(line_, self);
  const float label = decided.labels(index);
  const bool matched = !decided.matched().empty() && decided.matched(index);
  if (!row.is_duplicate && !row.decided) {
    figures_.set_pending_count(figures_.pending_count() - 1);
    if (std::isnan(label)) {
      figures_.set_dropped_count(figures_.dropped_count() + 1);
    } else if (matched) {
      figures_.set_matched_count(figures_.matched_count() + 1);
    } else {
      figures_.set_defaulted_count(figures_.defaulted_count() + 1);
    }
  } else if (!row.is_duplicate) {
    const bool corrects = !decided.old_labels().empty();
    if (std::isnan(label) || corrects == std::isnan(row.label)) return;
    if (!corrects) {
      figures_.set_dropped_count(figures_.dropped_count() - 1);
      if (matched) {
        figures_.set_matched_count(figures_.matched_count() + 1);
      } else {
        figures_.set_defaulted_count(figures_.defaulted_count() + 1);
      }
    } else if (!row.corrected) {
      row.corrected = true;
      figures_.set_corrected_count(figures_.corrected_count() + 1);
    }
  }
  row.decided = true;
  row.matched = matched;
  row.label = label;
  row.weight = decided.weights().empty() ? 1.0f : decided.weights(index);
  row.decide_ms = time_ms_;
  row.decide_offset = offset_;
  if (!row.is_duplicate) Reconsider(row);
}

std::vector<v1::Event> ReferenceJoin::Events() const {
  std::vector<v1::Event> events;
  for (const Row& row : rows_) {
    if (row.is_duplicate || IsRemoved(row) || IsOlder(row, HorizonMs(rule_))) continue;
    v1::Event event;
    event.set_event_id(row.id);
    event.set_offset(row.offset);
    event.set_row(row.row);
    event.set_time_ms(row.ms);
    event.set_state(v1::EVENT_STATE_PENDING);
    if (row.decided) {
      event.set_decide_time_ms(row.decide_ms);
      event.set_decide_offset(row.decide_offset);
      event.set_state(row.corrected           ? v1::EVENT_STATE_CORRECTED
                      : row.late              ? v1::EVENT_STATE_LATE
                      : std::isnan(row.label) ? v1::EVENT_STATE_DROPPED
                      : row.matched           ? v1::EVENT_STATE_MATCHED
                                              : v1::EVENT_STATE_DEFAULTED);
      if (!std::isnan(row.label)) {
        event.set_label(row.label);
        event.set_weight(row.weight);
      }
    }
    events.push_back(event);
  }
  return events;
}

uint64_t ReferenceJoin::FirstPending() const {
  for (const Row& row : rows_) {
    if (!row.decided) return row.offset;
  }
  return offset_;
}

}  // namespace freshet
