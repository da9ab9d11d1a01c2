// freshet models: options, list, describe and delete. The subcommands create and update have files
// of their own.

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/command/command.h"
#include "client/command/learner_options.h"
#include "client/command/live_view.h"
#include "client/command/model_list_view.h"
#include "client/command/model_text.h"
#include "client/command/models_create_command.h"
#include "client/command/models_update_command.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/cli/confirm.h"

namespace freshet {
namespace {

void PrintNames(std::string_view title, std::string_view flag,
                const std::vector<std::string>& names) {
  Table table({{""}, {""}, {""}});
  for (const std::string& name : names) table.AddRow({"", name, std::string(MeaningOf(name))});
  std::cout << title << " (" << flag << ")\n" << table.ToString() << "\n";
}

void PrintOptionsJson() {
  std::string out = "[";
  for (const LearnerOption& option : LearnerOptions()) {
    JsonObject object;
    object.Add("owner", option.owner).Add("key", option.key);
    object.Add("default", option.default_text).Add("range", option.range_text);
    object.Add("meaning", option.meaning);
    out += StrCat(out.size() > 1 ? ",\n" : "\n", object.ToString());
  }
  std::cout << out << "\n]\n";
}

absl::Status Options(const CommandContext& context) {
  if (context.json) {
    PrintOptionsJson();
    return absl::OkStatus();
  }
  PrintNames("Losses", "--loss NAME", LossNames());
  PrintNames("Learners", "--learner NAME", LearnerNames());
  PrintNames("Schedules of the learning rate", "--set schedule=NAME", ScheduleNames());
  Table table({{"OPTION OF"}, {"KEY"}, {"DEFAULT"}, {"RANGE"}, {"MEANING"}});
  for (const LearnerOption& option : LearnerOptions()) {
    table.AddRow({option.owner.empty() ? "all" : option.owner, option.key, option.default_text,
                  option.range_text, option.meaning});
  }
  std::cout << "Options (--set key=value)\n" << table.ToString();
  return absl::OkStatus();
}

struct ListArguments {
  bool watch = false;
  LiveOptions live;
};

class ModelListWatch : public LiveView {
 public:
  ModelListWatch(const Client& client, bool json) : client_(client), json_(json) {}

  absl::Status Update(double seconds) override {
    absl::StatusOr<std::vector<v1::Model>> models = client_.ListModels();
    if (!models.ok()) return models.status();
    view_.Add(seconds, *std::move(models));
    return absl::OkStatus();
  }
  std::vector<std::string> Picture(size_t width) const override {
    std::vector<std::string> lines = absl::StrSplit(view_.TableText(), '\n', absl::SkipEmpty());
    for (std::string& line : lines) line = CutToWidth(line, width);
    return lines;
  }
  std::string Text() const override { return (json_ ? view_.Json() : view_.TableText()) + "\n"; }

 private:
  const Client& client_;
  const bool json_;
  ModelListView view_;
};

absl::Status List(const CommandContext& context, const ListArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  if (arguments.watch) {
    ModelListWatch watch(**client, context.json);
    return RunLive(watch, arguments.live, /*plain=*/context.json);
  }
  const auto models = (*client)->ListModels();
  if (!models.ok()) return models.status();
  if (context.json) {
    v1::ListModelsResponse response;
    for (const v1::Model& model : *models) *response.add_models() = model;
    std::cout << ProtoJson(response);
    return absl::OkStatus();
  }
  if (models->empty()) {
    std::cout << "no models yet; create one with 'freshet models create NAME'\n";
    return absl::OkStatus();
  }
  std::cout << ModelTable(*models);
  return absl::OkStatus();
}

absl::Status Describe(const CommandContext& context, const std::string& name) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto model = (*client)->GetModel(name);
  if (!model.ok()) return model.status();
  std::cout << (context.json ? ProtoJson(*model) : DescribeModel(*model));
  return absl::OkStatus();
}

struct DeleteArguments {
  std::string model;
  bool yes = false;
};

absl::Status ConfirmDelete(const Client& client, const std::string& name) {
  const auto model = client.GetModel(name);
  if (!model.ok()) return model.status();
  return AskToGoOn(StrCat("this deletes ", ModelId(name), ", which has learned ",
                          GroupedCount(model->example_count()), " examples, its log and its ",
                          GroupedCount(model->storage().snapshot_count()), " snapshots"));
}

absl::Status Delete(const CommandContext& context, const DeleteArguments& arguments) {
  const std::string& name = arguments.model;
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  if (ShouldAsk(arguments.yes)) {
    if (absl::Status status = ConfirmDelete(**client, name); !status.ok()) return status;
  }
  if (absl::Status status = (*client)->DeleteModel(name); !status.ok()) return status;
  if (context.json) {
    std::cout << JsonObject().Add("deleted", ModelName(name)).ToString() << "\n";
  } else {
    std::cout << "deleted " << ModelId(name) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddModelsCommand(CLI::App& app, CommandContext& context) {
  CLI::App* models =
      app.add_subcommand("models", "Create, change, list, describe and delete models");
  models->require_subcommand(1);
  models->footer("'freshet models COMMAND --help' describes a command.");
  AddModelsCreateCommand(*models, context);
  AddModelsUpdateCommand(*models, context);

  CLI::App* options = models->add_subcommand(
      "options", "List every loss, learner and schedule with its options, defaults and ranges");
  options->footer("Example: freshet models options");
  options->callback([&context] { context.action = [&] { return Options(context); }; });

  CLI::App* list = models->add_subcommand("list", "List all models");
  list->alias("ls");
  list->footer(
      "--watch adds the examples learned a second, and the memory that a model may take. It "
      "redraws the\n"
      "table on a terminal, and otherwise prints one per update, or with --json an object.\n"
      "Example: freshet models list --watch --interval 5");
  const auto listed = std::make_shared<ListArguments>();
  CLI::Option* watch = list->add_flag("--watch", listed->watch, "Show the models until Ctrl-C");
  for (CLI::Option* option : AddLiveOptions(*list, listed->live)) option->needs(watch);
  list->callback([&context, listed] {
    context.action = [&context, listed] { return List(context, *listed); };
  });

  const auto name = std::make_shared<std::string>();
  CLI::App* describe =
      models->add_subcommand("describe", "Show a model's settings and how well it predicts");
  describe->alias("get");
  describe->footer("Example: freshet models describe ctr");
  describe->add_option("model", *name, "The model")->required()->type_name("MODEL");
  describe->callback(
      [&context, name] { context.action = [&context, name] { return Describe(context, *name); }; });

  CLI::App* remove = models->add_subcommand("delete", "Delete a model and its snapshots");
  remove->alias("rm");
  remove->footer("Example: freshet models delete ctr");
  const auto deleted = std::make_shared<DeleteArguments>();
  remove->add_option("model", deleted->model, "The model")->required()->type_name("MODEL");
  AddYesFlag(*remove, deleted->yes);
  remove->callback([&context, deleted] {
    context.action = [&context, deleted] { return Delete(context, *deleted); };
  });
}

}  // namespace freshet
