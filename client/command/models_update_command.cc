#include "client/command/models_update_command.h"

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "client/command/model_flags.h"
#include "client/command/model_text.h"
#include "client/command/text.h"
#include "client/model_options.h"

namespace freshet {
namespace {

// The word that resets a flag's field to the server's setting.
constexpr std::string_view kDefault = "default";

struct ModelsUpdateArguments {
  std::string name;
  ModelFlags flags;
};

// If the flag was given, adds `field` to `fields`, those to change. Clears a flag of "default": a
// field that is named in `fields` but not set is reset to the server's setting.
void Take(std::string& flag, const std::string& field, std::vector<std::string>& fields) {
  if (!flag.empty()) fields.push_back(field);
  if (flag == kDefault) flag.clear();
}

absl::Status Update(const CommandContext& context, const ModelsUpdateArguments& arguments) {
  ModelFlags flags = arguments.flags;
  std::vector<std::string> fields;
  Take(flags.durability, "durability", fields);
  Take(flags.retain_bytes, "log_retention.max_bytes", fields);
  Take(flags.retain_age, "log_retention.max_age_s", fields);
  if (fields.empty()) {
    return absl::InvalidArgumentError(
        "nothing to change; give --durability, --retain-bytes or --retain-age");
  }
  const absl::StatusOr<NewModelOptions> options = ParseModelFlags(flags);
  if (!options.ok()) return options.status();
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto model = (*client)->UpdateModel(arguments.name, ModelWith(*options), fields);
  if (!model.ok()) return model.status();
  std::cout << (context.json ? ProtoJson(*model) : DescribeModel(*model));
  return absl::OkStatus();
}

}  // namespace

void AddModelsUpdateCommand(CLI::App& models, CommandContext& context) {
  CLI::App* update = models.add_subcommand(
      "update", "Change the durability of a model and how much of its log it keeps");
  update->footer(
      "The value 'default' returns to the server's setting. The durability cannot change to or "
      "from\n"
      "none: a model cannot gain or lose its log.\n"
      "Example: freshet models update ctr --durability os --retain-age 30d");
  const auto arguments = std::make_shared<ModelsUpdateArguments>();
  update->add_option("model", arguments->name, "The model")->required()->type_name("MODEL");
  AddModelFlags(*update, arguments->flags);
  update->callback([&context, arguments] {
    context.action = [&context, arguments] { return Update(context, *arguments); };
  });
}

}  // namespace freshet
