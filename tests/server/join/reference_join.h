// A join of events and feedback that keeps everything in memory: slow, obvious, and the judge of
// LabelJoin.

#ifndef FRESHET_TESTS_SERVER_JOIN_REFERENCE_JOIN_H_
#define FRESHET_TESTS_SERVER_JOIN_REFERENCE_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/label_rule.pb.h"
#include "freshet/v1/log_record.pb.h"
#include "server/join/label_aggregate.h"
#include "server/record/record.h"

namespace freshet {

class ReferenceJoin {
 public:
  explicit ReferenceJoin(v1::LabelRule rule) : rule_(std::move(rule)) {}

  void Apply(const Record& record);

  // As LabelJoin::Decide(), without settled_below.
  std::optional<v1::LabelsNote> Decide(int64_t now_ms, size_t max_rows) const;

  // Without delays, pending_bytes and oldest_pending_time_ms.
  v1::LabelFigures Figures() const { return figures_; }

  // All events that are known, oldest first, without their feedback.
  std::vector<v1::Event> Events() const;

  // The first record with an event that waits; the offset if none does.
  uint64_t FirstPending() const;

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

  struct Row {
    std::string id;
    uint64_t offset = 0;
    uint32_t row = 0;
    int64_t record_ms = 0;
    bool has_own_time = false;
    int64_t ms = 0;
    bool is_duplicate = false;
    bool decided = false;
    bool matched = false;
    bool late = false;
    bool corrected = false;
    float label = 0;
    float weight = 1;
    int64_t decide_ms = 0;
    uint64_t decide_offset = 0;
    std::vector<Feedback> items;
  };
  struct Held {
    std::string id;
    Feedback feedback;
    int64_t arrival_ms = 0;
  };

  int64_t StreamMs() const { return std::min(max_event_ms_, max_feedback_ms_); }
  bool IsOlder(const Row& row, int64_t span_ms) const;
  bool IsRemoved(const Row& row) const;
  // The event that feedback to this id goes to; null if it is not known.
  Row* FindKnown(const std::string& id);
  void Attach(Row& row, const Feedback& feedback);
  void Reconsider(Row& row);
  void AddUnmatched(const std::string& id);
  void ApplyEvents(const EventsRecord& events);
  void ApplyFeedback(const FeedbackRecord& feedback);
  void ApplyLabels(const v1::LabelsNote& note);
  void ApplyLabel(Row& row, const v1::LabelledRecord& decided, int index);
  bool IsDue(const Row& row, int64_t now_ms) const;

  v1::LabelRule rule_;
  uint64_t offset_ = 0;
  uint64_t number_ = 0;
  int64_t time_ms_ = kNever;
  int64_t max_event_ms_ = kNever;
  int64_t max_feedback_ms_ = kNever;
  int64_t removed_record_ms_ = kNever;
  int64_t removed_stream_ms_ = kNever;
  uint64_t settled_below_ = 0;
  std::deque<Row> rows_;      // All there ever were.
  std::vector<size_t> line_;  // Rows that do not wait.
  std::vector<Held> held_;
  v1::LabelFigures figures_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_JOIN_REFERENCE_JOIN_H_
