// Chooses and configures a learner from command-line text. Names, defaults and ranges come from the
// descriptors of learner.proto by reflection, so a new option there needs no change here.

#ifndef FRESHET_CLIENT_COMMAND_LEARNER_OPTIONS_H_
#define FRESHET_CLIENT_COMMAND_LEARNER_OPTIONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "freshet/v1/learner.pb.h"

namespace freshet {

// A spec from `loss` ("logistic"), `learner` ("auto", or empty: the server's default) and
// settings "key=value": the key `schedule` chooses a schedule by name, other keys are fields of the
// spec, the learner or the schedule. INVALID_ARGUMENT says which name or value is wrong, what is
// allowed, and what may have been meant. Does not check ranges; the server does.
absl::StatusOr<v1::LearnerSpec> MakeLearnerSpec(std::string_view loss, std::string_view learner,
                                                const std::vector<std::string>& settings);

// All names that can be chosen for a loss, learner or schedule.
std::vector<std::string> LossNames();
std::vector<std::string> LearnerNames();
std::vector<std::string> ScheduleNames();

// "logistic" for LOSS_LOGISTIC; "" for LOSS_UNSPECIFIED and unknown values.
std::string LossName(v1::Loss loss);
// The name of the learner, or of the schedule, that is set in `spec`; "" if none is.
std::string LearnerName(const v1::LearnerSpec& spec);
std::string ScheduleName(const v1::LearnerSpec& spec);

// One option of a learner.
struct LearnerOption {
  std::string owner;  // "" for an option of every learner, else the learner's or schedule's name.
  std::string key;
  std::string default_text;
  std::string range_text;  // "(0, 1000]"; "true, false" for a switch.
  std::string meaning;
};

// All options: first those common to all learners, then those of each learner, then those of each
// schedule.
std::vector<LearnerOption> LearnerOptions();

// One line on what a loss, learner or schedule does; "" for an unknown name.
std::string_view MeaningOf(std::string_view name);

// Every option that is set in `spec`, as "key=value" texts.
std::vector<std::string> SettingsOf(const v1::LearnerSpec& spec);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_LEARNER_OPTIONS_H_
