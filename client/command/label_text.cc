#include "client/command/label_text.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "client/command/label_flags.h"
#include "client/command/quantity.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "google/protobuf/timestamp.pb.h"

namespace freshet {
namespace {

constexpr size_t kDelayBarColumns = 24;

std::string FeedbackText(const v1::LabelRule& rule) {
  if (rule.feedback().empty()) return "all";
  std::string text;
  for (const v1::CountedFeedback& counted : rule.feedback()) {
    text += StrCat(text.empty() ? "" : ", ", Printable(counted.name()));
    if (counted.has_weight()) text += StrCat(":", ShortestNumber(counted.weight()));
  }
  return text;
}

void AddRule(const v1::LabelRule& rule, Table* table) {
  const uint64_t horizon = std::max(rule.horizon_ms(), rule.wait_ms());
  table->AddRow({"label rule",
                 StrCat(LabelPolicyName(rule.policy()), ", wait ", MillisecondsText(rule.wait_ms()),
                        ", horizon ", MillisecondsText(horizon))});
  std::string label = FeedbackAggregateName(rule.aggregate());
  if (rule.has_threshold()) label += StrCat(" >= ", ShortestNumber(rule.threshold()));
  label += StrCat(" of feedback: ", FeedbackText(rule));
  table->AddRow({"label", label});
  table->AddRow({"without feedback", rule.drop_unmatched()
                                         ? std::string("not learned")
                                         : StrCat("label ", ShortestNumber(rule.default_label()))});
}

// A row for a count that is not 0.
void AddCount(const char* title, uint64_t count, std::string_view meaning, Table* table) {
  if (count > 0) table->AddRow({title, StrCat(GroupedCount(count), "   ", meaning)});
}

void AddPending(const v1::LabelFigures& figures, Table* table) {
  std::string text = GroupedCount(figures.pending_count());
  if (figures.pending_count() > 0) {
    text += StrCat(", ", ShortBytes(static_cast<double>(figures.pending_bytes())),
                   " of the log, the oldest of ", UtcTimeOfMs(figures.oldest_pending_time_ms()));
  }
  table->AddRow({"pending", text});
}

void AddUnmatched(const v1::LabelFigures& figures, Table* table) {
  if (figures.unmatched_count() == 0) return;
  std::string text =
      StrCat(GroupedCount(figures.unmatched_count()), "   feedback without its event");
  std::string_view separator = ", such as for ";
  for (const std::string& id : figures.unmatched_samples()) {
    text += StrCat(separator, CutToWidth(Printable(id), 40));
    separator = ", ";
  }
  table->AddRow({"unmatched", CutToWidth(text, 400)});
}

// The share of feedback that had come by each delay.
void AddDelays(const v1::LabelFigures& figures, Table* table) {
  uint64_t total = 0;
  for (const v1::DelayBin& bin : figures.delays()) total += bin.count();
  if (total == 0) return;
  uint64_t until = 0;
  std::string_view title = "feedback by delay";
  for (const v1::DelayBin& bin : figures.delays()) {
    if (bin.count() == 0) continue;
    until += bin.count();
    const double share = static_cast<double>(until) / static_cast<double>(total);
    std::string bar;
    const auto columns = static_cast<int>(std::lround(share * kDelayBarColumns));
    for (int i = 0; i < columns; ++i) bar += "▇";
    table->AddRow({std::string(title), StrCat(Decimals(share * 100, 1), " % within ",
                                              MillisecondsText(bin.to_ms()), "   ", bar)});
    title = "";
  }
}

void AddServedLoss(const v1::LabelFigures& figures, Table* table) {
  if (!figures.has_served_loss()) return;
  table->AddRow({"loss as served", StrCat(Decimals(figures.served_loss(), 5), "   base rate ",
                                          Decimals(figures.served_base_rate_loss(), 5), ", over ",
                                          GroupedCount(figures.served_count()),
                                          " events: scores as given out, against final labels")});
}

void AddKept(const v1::Model& model, Table* table) {
  const v1::LabelFigures& figures = model.labels();
  if (figures.log_kept_from() < model.offset()) {
    table->AddRow({"log held", StrCat("from offset ", GroupedCount(figures.log_kept_from()),
                                      ", where the oldest event that waits stands")});
  }
  if (!figures.join_fault().empty()) {
    table->AddRow({"join stands", StrCat(Printable(figures.join_fault()),
                                         "; events wait meanwhile, and nothing is lost")});
  }
}

}  // namespace

std::string MillisecondsText(uint64_t ms) {
  if (ms % 1000 != 0) return StrCat(ms, "ms");
  return SecondsText(ms / 1000);
}

std::string UtcTimeOfMs(int64_t ms) {
  google::protobuf::Timestamp time;
  time.set_seconds(ms / 1000);
  return UtcTime(time);
}

void AddLabels(const v1::Model& model, Table* table) {
  if (!model.has_label_rule()) return;
  const v1::LabelFigures& figures = model.labels();
  table->AddRow({"", ""});
  AddRule(model.label_rule(), table);
  table->AddRow({"events", GroupedCount(figures.event_count())});
  AddPending(figures, table);
  AddCount("matched", figures.matched_count(), "learned with feedback", table);
  AddCount("defaulted", figures.defaulted_count(), "learned with the default label", table);
  AddCount("dropped", figures.dropped_count(), "not learned, since no feedback came", table);
  AddCount("corrected", figures.corrected_count(), "learned anew with another label", table);
  AddCount("duplicate events", figures.duplicate_event_count(),
           "had the id of another event; not learned", table);
  AddCount("refused events", figures.refused_count(), "too many waited", table);
  AddCount("late", figures.late_count(), "feedback after its event was learned", table);
  AddUnmatched(figures, table);
  AddCount("held", figures.held_count(), "feedback that waits for its event", table);
  AddCount("duplicates", figures.duplicate_count(), "feedback that had come before", table);
  AddCount("expired", figures.expired_count(), "feedback after the horizon", table);
  AddCount("ignored", figures.ignored_count(), "feedback of names that do not count", table);
  AddDelays(figures, table);
  AddServedLoss(figures, table);
  AddKept(model, table);
}

}  // namespace freshet
