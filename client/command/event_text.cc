#include "client/command/event_text.h"

#include <array>
#include <utility>

#include "client/command/label_text.h"
#include "client/command/text.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/cli/suggest.h"

namespace freshet {
namespace {

constexpr std::array<std::pair<std::string_view, v1::EventState>, 6> kEventStates = {
    {{"pending", v1::EVENT_STATE_PENDING},
     {"matched", v1::EVENT_STATE_MATCHED},
     {"defaulted", v1::EVENT_STATE_DEFAULTED},
     {"dropped", v1::EVENT_STATE_DROPPED},
     {"late", v1::EVENT_STATE_LATE},
     {"corrected", v1::EVENT_STATE_CORRECTED}}};

constexpr size_t kMaxShownFeatures = 60;

std::string StateMeaning(v1::EventState state) {
  switch (state) {
    case v1::EVENT_STATE_PENDING:
      return "pending: it waits for its label";
    case v1::EVENT_STATE_MATCHED:
      return "matched: learned with a label from feedback";
    case v1::EVENT_STATE_DEFAULTED:
      return "defaulted: learned with the default label";
    case v1::EVENT_STATE_DROPPED:
      return "dropped: not learned, since no feedback came";
    case v1::EVENT_STATE_LATE:
      return "late: feedback came after it was learned";
    case v1::EVENT_STATE_CORRECTED:
      return "corrected: feedback that came later changed what was learned";
    default:
      return "";
  }
}

std::string ScoreText(float prediction, float score) {
  return StrCat(ShortestNumber(prediction), "   score ", ShortestNumber(score));
}

void AddFeedback(const v1::Event& event, Table* table) {
  if (event.feedback().empty()) table->AddRow({"feedback", "none"});
  std::string_view title = "feedback";
  for (const v1::EventFeedback& feedback : event.feedback()) {
    table->AddRow(
        {std::string(title),
         StrCat(Printable(feedback.name()), " ", ShortestNumber(feedback.value()), " at ",
                UtcTimeOfMs(feedback.time_ms()), feedback.withdrawn() ? ", withdrawn" : "")});
    title = "";
  }
}

void AddFeatureRows(const v1::Example& example, Table* table) {
  size_t shown = 0;
  size_t count = 0;
  for (const v1::Namespace& name_space : example.namespaces()) {
    for (const v1::Feature& feature : name_space.features()) {
      if (++count > kMaxShownFeatures) continue;
      std::string text = Printable(StrCat(name_space.name(), "^", feature.name()));
      if (feature.has_value() && feature.value() != 1) {
        text += StrCat(" ", ShortestNumber(feature.value()));
      }
      table->AddRow({shown++ == 0 ? "features" : "", text});
    }
  }
  if (count > shown) table->AddRow({"", StrCat("and ", count - shown, " more")});
}

}  // namespace

std::vector<std::string> EventStateNames() {
  std::vector<std::string> names;
  names.reserve(kEventStates.size());
  for (const auto& entry : kEventStates) names.emplace_back(entry.first);
  return names;
}

std::string EventStateName(v1::EventState state) {
  for (const auto& entry : kEventStates) {
    if (entry.second == state) return std::string(entry.first);
  }
  return "";
}

absl::StatusOr<v1::EventState> ParseEventState(std::string_view name) {
  for (const auto& entry : kEventStates) {
    if (entry.first == name) return entry.second;
  }
  return absl::InvalidArgumentError(NotOneOf("state", name, EventStateNames()));
}

std::string DescribeEvent(const v1::Event& event) {
  Table table({{""}, {""}});
  table.AddRow({"event", Printable(event.event_id())});
  table.AddRow({"state", StateMeaning(event.state())});
  table.AddRow({"happened", UtcTimeOfMs(event.time_ms())});
  table.AddRow({"in the log", StrCat("offset ", GroupedCount(event.offset()), ", row ",
                                     GroupedCount(event.row()))});
  if (event.has_served_score()) {
    table.AddRow({"served", ScoreText(event.served_prediction(), event.served_score())});
  }
  if (event.has_score()) table.AddRow({"now", ScoreText(event.prediction(), event.score())});
  AddFeedback(event, &table);
  if (event.has_label()) {
    table.AddRow({"learned as", StrCat("label ", ShortestNumber(event.label()), ", weight ",
                                       ShortestNumber(event.has_weight() ? event.weight() : 1))});
  }
  if (event.decide_time_ms() != 0) {
    table.AddRow({"decided", StrCat(UtcTimeOfMs(event.decide_time_ms()), ", at offset ",
                                    GroupedCount(event.decide_offset()))});
  }
  AddFeatureRows(event.features(), &table);
  return table.ToString();
}

std::string EventTable(const std::vector<v1::Event>& events) {
  constexpr Table::Align kRight = Table::Align::kRight;
  Table table({{"EVENT"},
               {"STATE"},
               {"HAPPENED"},
               {"SERVED", kRight},
               {"LABEL", kRight},
               {"FEEDBACK", kRight}});
  for (const v1::Event& event : events) {
    table.AddRow({Printable(event.event_id()), EventStateName(event.state()),
                  UtcTimeOfMs(event.time_ms()),
                  event.has_served_prediction() ? Decimals(event.served_prediction(), 4) : "-",
                  event.has_label() ? ShortestNumber(event.label()) : "-",
                  GroupedCount(static_cast<uint64_t>(event.feedback_size()))});
  }
  return table.ToString();
}

}  // namespace freshet
