// freshet diff.

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "client/command/command.h"
#include "client/command/text.h"
#include "client/command/weight_text.h"
#include "client/resource_names.h"

namespace freshet {
namespace {

struct DiffArguments {
  std::string model;
  std::string old_snapshot;
  std::string new_snapshot;
  uint32_t top = 50;
};

absl::Status PrintChanges(const CommandContext& context, const DiffArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto changes = (*client)->CompareSnapshots(arguments.model, arguments.old_snapshot,
                                                   arguments.new_snapshot, arguments.top);
  if (!changes.ok()) return changes.status();
  std::cout << (context.json ? ProtoJson(*changes)
                             : ChangesText(ModelId(arguments.model), *changes));
  return absl::OkStatus();
}

}  // namespace

void AddDiffCommand(CLI::App& app, CommandContext& context) {
  CLI::App* diff =
      app.add_subcommand("diff", "Show which weights changed between two snapshots of a model");
  diff->footer("Example: freshet diff ctr before-holidays after-holidays");
  const auto arguments = std::make_shared<DiffArguments>();
  diff->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  diff->add_option("old", arguments->old_snapshot, "The older snapshot")
      ->required()
      ->type_name("SNAPSHOT_A");
  diff->add_option("new", arguments->new_snapshot, "The newer snapshot")
      ->required()
      ->type_name("SNAPSHOT_B");
  diff->add_option("--top", arguments->top, "How many weights to show, largest change first")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  diff->callback([&context, arguments] {
    context.action = [&context, arguments] { return PrintChanges(context, *arguments); };
  });
}

}  // namespace freshet
