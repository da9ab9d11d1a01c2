// freshet watch.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/command/command.h"
#include "client/command/live_view.h"
#include "client/command/watch_view.h"

namespace freshet {
namespace {

struct WatchArguments {
  std::string model;
  LiveOptions live;
};

class Watch : public LiveView {
 public:
  Watch(const Client& client, std::string model, bool json)
      : client_(client), model_(std::move(model)), json_(json) {}

  absl::Status Update(double seconds) override {
    const absl::StatusOr<v1::Model> model = client_.GetModel(model_);
    if (model.ok()) view_.Add(seconds, *model);
    return model.status();
  }
  std::vector<std::string> Picture(size_t width) const override { return view_.Picture(width); }
  std::string Text() const override { return (json_ ? view_.Json() : view_.Line()) + "\n"; }

 private:
  const Client& client_;
  const std::string model_;
  const bool json_;
  WatchView view_;
};

absl::Status RunWatch(const CommandContext& context, const WatchArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  Watch watch(**client, arguments.model, context.json);
  return RunLive(watch, arguments.live, /*plain=*/context.json);
}

}  // namespace

void AddWatchCommand(CLI::App& app, CommandContext& context) {
  CLI::App* watch = app.add_subcommand("watch", "Watch a model learn, until Ctrl-C");
  watch->footer(
      "On a terminal, redraws figures in place; otherwise prints a line per update. With --json, "
      "prints\n"
      "a JSON object per update.\n"
      "Example: freshet watch ctr --interval 0.5");
  const auto arguments = std::make_shared<WatchArguments>();
  watch->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  AddLiveOptions(*watch, arguments->live);
  watch->callback([&context, arguments] {
    context.action = [&context, arguments] { return RunWatch(context, *arguments); };
  });
}

}  // namespace freshet
