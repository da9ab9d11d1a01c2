// The feedback of one event, and the label that a rule makes of it. Pure functions.

#ifndef FRESHET_SERVER_JOIN_LABEL_AGGREGATE_H_
#define FRESHET_SERVER_JOIN_LABEL_AGGREGATE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/v1/label_rule.pb.h"

namespace freshet {

// More feedback of one event has no effect, so that what is kept of an event is bounded.
inline constexpr size_t kMaxFeedbackPerEvent = 1024;

// One piece of feedback.
struct Feedback {
  std::string name;
  std::string feedback_id;  // May be empty.
  float value = 1.0f;       // Finite.
  int64_t time_ms = 0;
  // It takes other feedback back. Among the feedback that an event got: feedback with this
  // feedback_id has not come yet, and does not count when it comes.
  bool withdraws = false;
  bool withdrawn = false;  // It does not count any more.
};

// What AddFeedback() did.
enum class AddedFeedback { kNew, kDuplicate, kTooMuch };

// Adds feedback to what an event got before, in the order in which it came.
AddedFeedback AddFeedback(Feedback feedback, std::vector<Feedback>& items);

struct EventLabel {
  float label = 0;  // Not a number: the event is not learned.
  float weight = 1;
  bool matched = false;  // It had feedback that counts.
};

// Times that a rule gives, with its defaults, at most kMaxSpanMs.
inline constexpr int64_t kMaxSpanMs = int64_t{1} << 60;
int64_t WaitMs(const v1::LabelRule& rule);
int64_t HorizonMs(const v1::LabelRule& rule);
int64_t HoldMs(const v1::LabelRule& rule);

// The sum, or the greatest or least number if that is out of range.
int64_t AddMs(int64_t time_ms, int64_t span_ms);

// Whether feedback of this name counts towards the label.
bool CountsAsFeedback(const v1::LabelRule& rule, std::string_view name);

// The label of events without feedback that counts; not a number if they are not learned.
float DefaultLabelOf(const v1::LabelRule& rule);

// The label by the feedback that counts, was not withdrawn and is not later than `until_ms`. A
// label that is not finite is given as not a number.
EventLabel LabelOf(const v1::LabelRule& rule, std::span<const Feedback> items, int64_t until_ms);

// Whether the feedback up to `until_ms` settles the label (see v1.LabelPolicy).
bool SettlesLabel(const v1::LabelRule& rule, std::span<const Feedback> items, int64_t until_ms);

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_LABEL_AGGREGATE_H_
