#include "client/command/learner_options.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "client/command/text.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/cli/suggest.h"
#include "freshet/v1/option_info.pb.h"
#include "google/protobuf/descriptor.h"

namespace freshet {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

constexpr char kLossPrefix[] = "LOSS_";

const OneofDescriptor* Optimizers() {
  return v1::LearnerSpec::descriptor()->FindOneofByName("optimizer");
}

const OneofDescriptor* Schedules() {
  return v1::LearnerSpec::descriptor()->FindOneofByName("schedule");
}

std::vector<std::string> Names(const OneofDescriptor* oneof) {
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(oneof->field_count()));
  for (int i = 0; i < oneof->field_count(); ++i) names.push_back(oneof->field(i)->name());
  return names;
}

// The fields of a message that `--set` can set: numbers and switches.
std::vector<const FieldDescriptor*> OptionFields(const Descriptor* message) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    const bool has_scalar_type = field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL ||
                                 field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ||
                                 field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
    if (has_scalar_type) fields.push_back(field);
  }
  return fields;
}

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

absl::Status SetField(const FieldDescriptor* field, std::string_view text, Message* message) {
  const auto bad = [&](std::string_view wanted) {
    return absl::InvalidArgumentError(
        StrCat("--set ", field->name(), "=", text, ": it must be ", wanted));
  };
  const Reflection* reflection = message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return bad("true or false");
      reflection->SetBool(message, field, text == "true");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const std::optional<double> value = ParseNumber<double>(text);
      if (!value.has_value()) return bad("a number");
      reflection->SetDouble(message, field, *value);
      return absl::OkStatus();
    }
    default: {
      const std::optional<uint32_t> value = ParseNumber<uint32_t>(text);
      if (!value.has_value()) return bad("a whole number");
      reflection->SetUInt32(message, field, *value);
      return absl::OkStatus();
    }
  }
}

// Chooses a member of a oneof by name.
absl::Status Choose(const OneofDescriptor* oneof, std::string_view what, std::string_view name,
                    v1::LearnerSpec* spec) {
  for (int i = 0; i < oneof->field_count(); ++i) {
    if (oneof->field(i)->name() != name) continue;
    v1::LearnerSpec::GetReflection()->MutableMessage(spec, oneof->field(i));
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(NotOneOf(what, name, Names(oneof)));
}

// The messages whose fields `--set` can set: the spec, its chosen learner and its chosen schedule.
std::vector<Message*> Targets(v1::LearnerSpec* spec) {
  std::vector<Message*> targets = {spec};
  for (const OneofDescriptor* oneof : {Optimizers(), Schedules()}) {
    const FieldDescriptor* chosen =
        v1::LearnerSpec::GetReflection()->GetOneofFieldDescriptor(*spec, oneof);
    if (chosen != nullptr) {
      targets.push_back(v1::LearnerSpec::GetReflection()->MutableMessage(spec, chosen));
    }
  }
  return targets;
}

// If `key` is an option of another learner or schedule, a hint that names them; else "".
std::string OwnerHint(std::string_view key) {
  std::vector<std::string> choices;
  for (const LearnerOption& option : LearnerOptions()) {
    if (option.key != key || option.owner.empty()) continue;
    const std::vector<std::string> schedules = ScheduleNames();
    const bool is_schedule =
        std::find(schedules.begin(), schedules.end(), option.owner) != schedules.end();
    choices.push_back(StrCat(is_schedule ? "--set schedule=" : "--learner ", option.owner));
  }
  if (choices.empty()) return "";
  return StrCat("; '", key, "' is an option of ", absl::StrJoin(choices, " or "));
}

absl::Status SetKey(std::string_view key, std::string_view value, v1::LearnerSpec* spec) {
  std::vector<std::string> keys = {"schedule"};
  for (Message* target : Targets(spec)) {
    for (const FieldDescriptor* field : OptionFields(target->GetDescriptor())) {
      if (field->name() == key) return SetField(field, value, target);
      keys.push_back(field->name());
    }
  }
  const std::string hint = OwnerHint(key);
  return absl::InvalidArgumentError(StrCat("there is no key '", key, "' here",
                                           hint.empty() ? DidYouMean(key, keys) : hint,
                                           "; keys are ", absl::StrJoin(keys, ", ")));
}

std::string RangeText(const v1::OptionInfo& info) {
  if (!info.has_min() && !info.has_max()) return "any";
  const std::string min = info.has_min() ? ShortestNumber(info.min()) : "-inf";
  const std::string max = info.has_max() ? ShortestNumber(info.max()) : "inf";
  return StrCat(info.min_exclusive() ? "(" : "[", min, ", ", max, info.max_exclusive() ? ")" : "]");
}

void AppendOptions(std::string_view owner, const Descriptor* message,
                   std::vector<LearnerOption>* options) {
  for (const FieldDescriptor* field : OptionFields(message)) {
    LearnerOption option{std::string(owner), field->name(), "", "", ""};
    const v1::OptionInfo& info = field->options().GetExtension(v1::option_info);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      const bool has_info = field->options().HasExtension(v1::option_info);
      option.default_text = !has_info || info.default_value() != 0 ? "true" : "false";
      option.range_text = "true, false";
      option.meaning =
          has_info ? info.meaning() : "whether to learn an intercept, a weight of every example";
    } else {
      // These have no single default, and their meaning says so. AppendDefaultRate() lists the
      // default learning_rate of each learner.
      const bool depends = field->name() == "learning_rate" ||
                           field->name() == "intercept_learning_rate" || field->name() == "rules";
      option.default_text = depends ? "-" : ShortestNumber(info.default_value());
      option.range_text = RangeText(info);
      option.meaning = info.meaning();
    }
    options->push_back(std::move(option));
  }
}

// Adds the learner's own default of learning_rate, unless the learner has none.
void AppendDefaultRate(const FieldDescriptor* learner, std::vector<LearnerOption>* options) {
  const double rate =
      learner->message_type()->options().GetExtension(v1::learner_info).default_learning_rate();
  if (rate == 0) return;
  options->push_back({learner->name(), "learning_rate", ShortestNumber(rate), "(0, 1000]",
                      "learning rate before the schedule"});
}

}  // namespace

absl::StatusOr<v1::LearnerSpec> MakeLearnerSpec(std::string_view loss, std::string_view learner,
                                                const std::vector<std::string>& settings) {
  v1::LearnerSpec spec;
  v1::Loss loss_value;
  const std::string loss_enum = StrCat(kLossPrefix, absl::AsciiStrToUpper(ToAbsl(loss)));
  if (!v1::Loss_Parse(loss_enum, &loss_value) || loss_value == v1::LOSS_UNSPECIFIED) {
    return absl::InvalidArgumentError(NotOneOf("loss", loss, LossNames()));
  }
  spec.set_loss(loss_value);
  if (!learner.empty()) {
    absl::Status status = Choose(Optimizers(), "learner", learner, &spec);
    if (!status.ok()) return status;
  }
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(
          StrCat("--set ", setting, ": write key=value, for example --set learning_rate=0.1"));
    }
    const std::string_view text = setting;
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  // Set the schedule first, so that settings may come in any order: keys of a schedule exist only
  // once it is chosen.
  for (const auto& [key, value] : pairs) {
    if (key != "schedule") continue;
    absl::Status status = Choose(Schedules(), "schedule", value, &spec);
    if (!status.ok()) return status;
  }
  // If no learner is named, choose auto explicitly, so that its keys can be set.
  if (learner.empty() && !pairs.empty()) spec.mutable_auto_();
  for (const auto& [key, value] : pairs) {
    if (key == "schedule") continue;
    absl::Status status = SetKey(key, value, &spec);
    if (!status.ok()) return status;
  }
  return spec;
}

std::string LossName(v1::Loss loss) {
  std::string name = v1::Loss_Name(loss);
  if (loss == v1::LOSS_UNSPECIFIED || !name.starts_with(kLossPrefix)) return "";
  return absl::AsciiStrToLower(name.substr(sizeof(kLossPrefix) - 1));
}

std::vector<std::string> LossNames() {
  std::vector<std::string> names;
  const auto* losses = v1::Loss_descriptor();
  for (int i = 0; i < losses->value_count(); ++i) {
    std::string name = LossName(static_cast<v1::Loss>(losses->value(i)->number()));
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> LearnerNames() { return Names(Optimizers()); }
std::vector<std::string> ScheduleNames() { return Names(Schedules()); }

std::string LearnerName(const v1::LearnerSpec& spec) {
  const auto* field = v1::LearnerSpec::GetReflection()->GetOneofFieldDescriptor(spec, Optimizers());
  return field == nullptr ? "" : field->name();
}

std::string ScheduleName(const v1::LearnerSpec& spec) {
  const auto* field = v1::LearnerSpec::GetReflection()->GetOneofFieldDescriptor(spec, Schedules());
  return field == nullptr ? "" : field->name();
}

std::vector<LearnerOption> LearnerOptions() {
  std::vector<LearnerOption> options;
  AppendOptions("", v1::LearnerSpec::descriptor(), &options);
  for (const OneofDescriptor* oneof : {Optimizers(), Schedules()}) {
    for (int i = 0; i < oneof->field_count(); ++i) {
      if (oneof == Optimizers()) AppendDefaultRate(oneof->field(i), &options);
      AppendOptions(oneof->field(i)->name(), oneof->field(i)->message_type(), &options);
    }
  }
  return options;
}

std::string_view MeaningOf(std::string_view name) {
  static const auto* const kMeanings = new std::map<std::string_view, std::string_view>{
      {"logistic", "classification: log(1 + exp(-y s)); predictions are probabilities"},
      {"squared", "regression: (s - y)^2; predictions are values"},
      {"hinge", "classification: max(0, 1 - y s); predictions are scores, above 0 for positive"},
      {"poisson", "counts: exp(s) - y s; predictions are expected counts"},
      {"quantile", "tau (y - s) or (1 - tau) (s - y); predictions are quantiles"},
      {"auto", "a mixture of six different learners; nothing to tune (default)"},
      {"sgd", "plain stochastic gradient descent"},
      {"minibatch", "SGD on the mean gradient of several examples"},
      {"momentum", "SGD with heavy-ball momentum"},
      {"nesterov", "SGD with Nesterov's accelerated momentum"},
      {"adagrad", "a rate for each feature, from its sum of squared gradients"},
      {"rmsprop", "a rate for each feature, from a decaying mean of squared gradients"},
      {"adam", "bias-corrected first and second moments, lazy on absent features"},
      {"ftrl", "AdaGrad's rates, and l1 that makes weak weights exactly 0"},
      {"nag", "normalised adaptive importance-aware updates, for raw numbers of any size"},
      {"coin", "coin betting: no learning rate, recovers after drift"},
      {"constant", "the rate never changes (default)"},
      {"inverse_power", "rate * (t0 / (t0 + t))^power"},
      {"exponential", "rate * decay^(t / decay_steps)"},
      {"step", "rate * decay^floor(t / decay_steps)"},
      {"plateau", "the rate is cut whenever the progressive loss stops falling"},
  };
  const auto found = kMeanings->find(name);
  return found == kMeanings->end() ? std::string_view() : found->second;
}

std::vector<std::string> SettingsOf(const v1::LearnerSpec& spec) {
  std::vector<std::string> settings;
  v1::LearnerSpec copy = spec;
  for (Message* target : Targets(&copy)) {
    const Reflection* reflection = target->GetReflection();
    for (const FieldDescriptor* field : OptionFields(target->GetDescriptor())) {
      if (!reflection->HasField(*target, field)) continue;
      std::string value;
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_BOOL:
          value = reflection->GetBool(*target, field) ? "true" : "false";
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          value = ShortestNumber(reflection->GetDouble(*target, field));
          break;
        default:
          value = std::to_string(reflection->GetUInt32(*target, field));
      }
      settings.push_back(StrCat(field->name(), "=", value));
    }
  }
  return settings;
}

}  // namespace freshet
