// freshet digest.

#include <iostream>
#include <memory>
#include <string>

#include "client/command/command.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"

namespace freshet {
namespace {

absl::Status PrintDigest(const CommandContext& context, const std::string& model) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto digest = (*client)->ComputeDigest(model);
  if (!digest.ok()) return digest.status();
  if (context.json) {
    JsonObject object;
    object.Add("model", ModelId(model)).Add("offset", digest->offset);
    object.Add("examples", digest->example_count).Add("digest", digest->digest);
    std::cout << object.ToString() << "\n";
    return absl::OkStatus();
  }
  std::cout << "offset    " << digest->offset << "\nexamples  " << digest->example_count
            << "\ndigest    " << digest->digest << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddDigestCommand(CLI::App& app, CommandContext& context) {
  CLI::App* digest =
      app.add_subcommand("digest", "Print a hash of a model's whole state, to compare two states");
  digest->footer(
      "Equal streams give equal digests, however they were cut into batches.\n"
      "Example: freshet digest ctr");
  const auto model = std::make_shared<std::string>();
  digest->add_option("model", *model, "The model")->required()->type_name("MODEL");
  digest->callback([&context, model] {
    context.action = [&context, model] { return PrintDigest(context, *model); };
  });
}

}  // namespace freshet
