// The flags that say how events get their labels: a model's label rule.

#ifndef FRESHET_CLIENT_COMMAND_LABEL_FLAGS_H_
#define FRESHET_CLIENT_COMMAND_LABEL_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "freshet/v1/label_rule.pb.h"

namespace freshet {

// The values of the flags as typed; empty or absent if not given.
struct LabelFlags {
  std::string wait = {};  // Makes the rule: the others need it.
  std::string horizon = {};
  std::string hold = {};
  std::string policy = {};
  std::vector<std::string> feedback = {};
  std::string aggregate = {};
  std::optional<float> threshold = {};
  std::optional<float> default_label = {};
  bool drop_unmatched = false;
  std::optional<uint64_t> max_pending_events = {};
  std::string max_pending_bytes = {};
};

// Adds the flags. `flags` must outlive the command.
void AddLabelFlags(CLI::App& command, LabelFlags& flags);

// The rule that the flags make; absent without flags. INVALID_ARGUMENT if a value cannot be parsed,
// if flags contradict each other, and if others are given without --wait.
absl::StatusOr<std::optional<v1::LabelRule>> MakeLabelRule(const LabelFlags& flags);

// The names of policies and aggregates, for the completion.
std::vector<std::string> LabelPolicyNames();
std::vector<std::string> FeedbackAggregateNames();
// "after-wait", "any"; "" for unknown values. Unspecified values have the name of their default.
std::string LabelPolicyName(v1::LabelPolicy policy);
std::string FeedbackAggregateName(v1::FeedbackAggregate aggregate);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_LABEL_FLAGS_H_
