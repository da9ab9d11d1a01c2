// freshet weights.

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

struct WeightsArguments {
  std::string model;
  uint32_t top = 50;
};

absl::Status PrintWeights(const CommandContext& context, const WeightsArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto weights = (*client)->ListTopWeights(arguments.model, arguments.top);
  if (!weights.ok()) return weights.status();
  std::cout << (context.json ? ProtoJson(*weights)
                             : WeightsText(ModelId(arguments.model), *weights));
  return absl::OkStatus();
}

}  // namespace

void AddWeightsCommand(CLI::App& app, CommandContext& context) {
  CLI::App* weights =
      app.add_subcommand("weights", "Show the features with the largest weights of a model");
  weights->footer(
      "Evidence is what the learner keeps of a feature's squared gradients: the more, the more "
      "certain\n"
      "the weight. Features whose name is not known are shown as #slot.\n"
      "Example: freshet weights ctr --top 20");
  const auto arguments = std::make_shared<WeightsArguments>();
  weights->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  weights
      ->add_option("--top", arguments->top,
                   "How many features to show, largest absolute weight first")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  weights->callback([&context, arguments] {
    context.action = [&context, arguments] { return PrintWeights(context, *arguments); };
  });
}

}  // namespace freshet
