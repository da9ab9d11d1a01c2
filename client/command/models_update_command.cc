#include "client/command/models_update_command.h"

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/command/input_mapping.h"
#include "client/command/label_flags.h"
#include "client/command/model_flags.h"
#include "client/command/model_text.h"
#include "client/command/text.h"
#include "client/model_options.h"
#include "core/format/input_mapping_message.h"

namespace freshet {
namespace {

// The word that resets a flag's field to the server's setting.
constexpr std::string_view kDefault = "default";

struct ModelsUpdateArguments {
  std::string name;
  ModelFlags flags;
  MappingFlags mapping;
  bool no_mapping = false;
  LabelFlags labels;
  bool no_label_rule = false;
};

// If the flag was given, adds `field` to `fields`, those to change. Clears a flag of "default": a
// field that is named in `fields` but not set is reset to the server's setting.
void Take(std::string& flag, const std::string& field, std::vector<std::string>& fields) {
  if (!flag.empty()) fields.push_back(field);
  if (flag == kDefault) flag.clear();
}

// Sets the model's mapping as the flags change it.
absl::Status AddMapping(const Client& client, const ModelsUpdateArguments& arguments,
                        NewModelOptions& options) {
  const absl::StatusOr<v1::Model> model = client.GetModel(arguments.name);
  if (!model.ok()) return model.status();
  const InputMapping current = InputMappingOf(model->input());
  const absl::StatusOr<MappingFromFlags> made =
      MakeMapping(arguments.mapping, model->has_input() ? &current : nullptr);
  if (!made.ok()) return made.status();
  options.input = InputMappingMessage<v1::InputMapping>(made->mapping);
  return absl::OkStatus();
}

absl::Status Update(const CommandContext& context, const ModelsUpdateArguments& arguments) {
  ModelFlags flags = arguments.flags;
  std::vector<std::string> fields;
  Take(flags.durability, "durability", fields);
  Take(flags.retain_bytes, "log_retention.max_bytes", fields);
  Take(flags.retain_age, "log_retention.max_age_s", fields);
  const bool has_mapping = HasMappingFlags(arguments.mapping);
  if (has_mapping || arguments.no_mapping) fields.emplace_back("input");
  absl::StatusOr<std::optional<v1::LabelRule>> rule = MakeLabelRule(arguments.labels);
  if (!rule.ok()) return rule.status();
  if (rule->has_value() && arguments.no_label_rule) {
    return absl::InvalidArgumentError("--wait and --no-label-rule cannot be combined");
  }
  if (rule->has_value() || arguments.no_label_rule) fields.emplace_back("label_rule");
  if (fields.empty()) {
    return absl::InvalidArgumentError(
        "nothing to change; give --durability, --retain-bytes, --retain-age, an option that says "
        "what fields mean, such as --map, or --wait and others that say how events get their "
        "labels");
  }
  absl::StatusOr<NewModelOptions> options = ParseModelFlags(flags);
  if (!options.ok()) return options.status();
  options->label_rule = *std::move(rule);
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  if (has_mapping) {
    absl::Status status = AddMapping(**client, arguments, *options);
    if (!status.ok()) return status;
  }
  const auto model = (*client)->UpdateModel(arguments.name, ModelWith(*options), fields);
  if (!model.ok()) return model.status();
  std::cout << (context.json ? ProtoJson(*model) : DescribeModel(*model));
  return absl::OkStatus();
}

}  // namespace

void AddModelsUpdateCommand(CLI::App& models, CommandContext& context) {
  CLI::App* update = models.add_subcommand(
      "update",
      "Change the durability of a model, how much of its log it keeps, what the fields of its "
      "input mean, and how events get their labels");
  update->footer(
      "The value 'default' returns to the server's setting. The durability cannot change to or "
      "from\n"
      "none: a model cannot gain or lose its log.\n"
      "--like replaces what the model knows of fields; the other options change it field by field. "
      "The\n"
      "change holds for rows from now on; what was learned stays.\n"
      "--wait and the options that need it replace the label rule as a whole.\n"
      "Examples: freshet models update ctr --durability os --retain-age 30d\n"
      "          freshet models update ctr --map age=number --map comment=text");
  const auto arguments = std::make_shared<ModelsUpdateArguments>();
  update->add_option("model", arguments->name, "The model")->required()->type_name("MODEL");
  AddModelFlags(*update, arguments->flags);
  AddMappingFlags(*update, arguments->mapping);
  update->add_flag("--no-mapping", arguments->no_mapping,
                   "Forget what fields mean: the options of each command say it");
  AddLabelFlags(*update, arguments->labels);
  update->add_flag("--no-label-rule", arguments->no_label_rule, "The model takes no more events");
  update->callback([&context, arguments] {
    context.action = [&context, arguments] { return Update(context, *arguments); };
  });
}

}  // namespace freshet
