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

// What a limit is typed as to have the server's setting again.
constexpr std::string_view kDefault = "default";

struct ModelsUpdateArguments {
  std::string name;
  ModelFlags flags;
};

// Adds the field to those that change where its flag was given; a default is then left out.
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
      "update", "Change what a model's acknowledgements promise and how much log it keeps");
  update->footer(
      "A limit of 'default' is the server's setting. A log can neither be begun nor given up "
      "(none).\n"
      "Example: freshet models update ctr --durability os --retain-age 30d");
  const auto arguments = std::make_shared<ModelsUpdateArguments>();
  update->add_option("model", arguments->name, "The model")->required()->type_name("MODEL");
  AddModelFlags(*update, arguments->flags);
  update->callback([&context, arguments] {
    context.action = [&context, arguments] { return Update(context, *arguments); };
  });
}

}  // namespace freshet
