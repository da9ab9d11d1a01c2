// freshet snapshots: create, list, restore and delete. The subcommands export and import are in
// snapshot_file_commands.cc.

#include <iostream>
#include <memory>
#include <string>

#include "client/command/command.h"
#include "client/command/snapshot_file_commands.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/cli/confirm.h"

namespace freshet {
namespace {

struct SnapshotsArguments {
  std::string model;
  std::string snapshot;
  bool yes = false;  // Of restore and delete.
};

std::string TriggerName(v1::SnapshotTrigger trigger) {
  switch (trigger) {
    case v1::SNAPSHOT_TRIGGER_REQUEST:
      return "request";
    case v1::SNAPSHOT_TRIGGER_INTERVAL:
      return "interval";
    case v1::SNAPSHOT_TRIGGER_SHUTDOWN:
      return "shutdown";
    case v1::SNAPSHOT_TRIGGER_LOG_GROWTH:
      return "log growth";
    case v1::SNAPSHOT_TRIGGER_RESTORE:
      return "restore";
    case v1::SNAPSHOT_TRIGGER_IMPORT:
      return "import";
    default:
      return "-";
  }
}

absl::Status Create(const CommandContext& context, const SnapshotsArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto snapshot = (*client)->CreateSnapshot(arguments.model, arguments.snapshot);
  if (!snapshot.ok()) return snapshot.status();
  if (context.json) {
    std::cout << ProtoJson(*snapshot);
    return absl::OkStatus();
  }
  std::cout << "created snapshot " << LastSegment(snapshot->name()) << " of "
            << ModelId(arguments.model) << ": offset " << GroupedCount(snapshot->offset()) << ", "
            << GroupedCount(snapshot->example_count()) << " examples, "
            << ShortBytes(static_cast<double>(snapshot->size_bytes())) << "\n";
  return absl::OkStatus();
}

absl::Status List(const CommandContext& context, const SnapshotsArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto snapshots = (*client)->ListSnapshots(arguments.model);
  if (!snapshots.ok()) return snapshots.status();
  if (context.json) {
    v1::ListSnapshotsResponse response;
    for (const v1::Snapshot& snapshot : *snapshots) *response.add_snapshots() = snapshot;
    std::cout << ProtoJson(response);
    return absl::OkStatus();
  }
  if (snapshots->empty()) {
    const std::string model = ModelId(arguments.model);
    std::cout << "no snapshots of " << model << " yet; take one with 'freshet snapshots create "
              << model << "'\n";
    return absl::OkStatus();
  }
  constexpr Table::Align kRight = Table::Align::kRight;
  Table table({{"SNAPSHOT"},
               {"OFFSET", kRight},
               {"EXAMPLES", kRight},
               {"SIZE", kRight},
               {"TAKEN"},
               {"WHY"},
               {"PAUSE", kRight}});
  for (const v1::Snapshot& snapshot : *snapshots) {
    table.AddRow({LastSegment(snapshot.name()), GroupedCount(snapshot.offset()),
                  GroupedCount(snapshot.example_count()),
                  ShortBytes(static_cast<double>(snapshot.size_bytes())),
                  UtcTime(snapshot.create_time()), TriggerName(snapshot.trigger()),
                  StrCat(Decimals(snapshot.pause_ms(), 1), " ms")});
  }
  std::cout << table.ToString();
  return absl::OkStatus();
}

absl::Status Restore(const CommandContext& context, const SnapshotsArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  if (ShouldAsk(arguments.yes)) {
    absl::Status status =
        AskToGoOn(StrCat("this takes ", ModelId(arguments.model), " back to snapshot ",
                         LastSegment(arguments.snapshot), "; what it learned since is undone"));
    if (!status.ok()) return status;
  }
  const auto model = (*client)->RestoreSnapshot(arguments.model, arguments.snapshot);
  if (!model.ok()) return model.status();
  if (context.json) {
    std::cout << ProtoJson(*model);
    return absl::OkStatus();
  }
  std::cout << "restored " << ModelId(arguments.model) << " to snapshot "
            << LastSegment(arguments.snapshot) << ": " << GroupedCount(model->example_count())
            << " examples, now at offset " << GroupedCount(model->offset()) << "\n";
  return absl::OkStatus();
}

absl::Status Delete(const CommandContext& context, const SnapshotsArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  if (ShouldAsk(arguments.yes)) {
    absl::Status status =
        AskToGoOn(StrCat("this deletes snapshot ", LastSegment(arguments.snapshot), " of ",
                         ModelId(arguments.model)));
    if (!status.ok()) return status;
  }
  absl::Status status = (*client)->DeleteSnapshot(arguments.model, arguments.snapshot);
  if (!status.ok()) return status;
  if (context.json) {
    const std::string name = SnapshotName(arguments.model, arguments.snapshot);
    std::cout << JsonObject().Add("deleted", name).ToString() << "\n";
  } else {
    std::cout << "deleted snapshot " << LastSegment(arguments.snapshot) << " of "
              << ModelId(arguments.model) << "\n";
  }
  return absl::OkStatus();
}

using Handler = absl::Status (*)(const CommandContext&, const SnapshotsArguments&);
enum class SnapshotId { kNone, kOptional, kRequired };

struct Command {
  CLI::App* app;
  std::shared_ptr<SnapshotsArguments> arguments;
};

Command Add(CLI::App& snapshots, CommandContext& context, const std::string& name,
            const std::string& description, const std::string& example, SnapshotId id,
            Handler handler) {
  CLI::App* command = snapshots.add_subcommand(name, description);
  command->footer("Example: freshet snapshots " + example);
  const auto arguments = std::make_shared<SnapshotsArguments>();
  command->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  if (id != SnapshotId::kNone) {
    const bool required = id == SnapshotId::kRequired;
    command
        ->add_option(
            "snapshot", arguments->snapshot,
            required ? "The snapshot's id" : "Id of the snapshot (default: chosen by the server)")
        ->required(required)
        ->type_name("SNAPSHOT");
  }
  command->callback([&context, arguments, handler] {
    context.action = [&context, arguments, handler] { return handler(context, *arguments); };
  });
  return {command, arguments};
}

}  // namespace

void AddSnapshotsCommand(CLI::App& app, CommandContext& context) {
  CLI::App* snapshots =
      app.add_subcommand("snapshots", "Take, list, restore, export and import a model's snapshots");
  snapshots->require_subcommand(1);
  snapshots->footer("'freshet snapshots COMMAND --help' describes a command.");
  Add(*snapshots, context, "create", "Take a snapshot now", "create ctr", SnapshotId::kOptional,
      Create);
  Add(*snapshots, context, "list", "List a model's snapshots, oldest first", "list ctr",
      SnapshotId::kNone, List)
      .app->alias("ls");
  const Command restore =
      Add(*snapshots, context, "restore", "Restore a model to the state of a snapshot",
          "restore ctr before-holidays", SnapshotId::kRequired, Restore);
  AddYesFlag(*restore.app, restore.arguments->yes);
  const Command remove = Add(*snapshots, context, "delete", "Delete a snapshot",
                             "delete ctr before-holidays", SnapshotId::kRequired, Delete);
  remove.app->alias("rm");
  AddYesFlag(*remove.app, remove.arguments->yes);
  AddSnapshotFileCommands(*snapshots, context);
}

}  // namespace freshet
