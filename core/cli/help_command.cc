#include "core/cli/help_command.h"

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "core/cli/usage_error.h"

namespace freshet {
namespace {

// The help of the command that `path` names, for example {"models", "create"}.
std::string HelpOf(const CLI::App& root, const std::vector<std::string>& path) {
  const CLI::App* command = &root;
  std::string parent;  // "freshet models": the words before the command's own name.
  for (const std::string& word : path) {
    const std::vector<const CLI::App*> children = command->get_subcommands(
        [&word](const CLI::App* child) { return child->check_name(word); });
    if (children.empty()) {
      throw CLI::ParseError(NoSuchCommand(*command, word), CLI::ExitCodes::ExtrasError);
    }
    parent += StrCat(parent.empty() ? "" : " ", command->get_name());
    command = children.front();
  }
  return command->get_formatter()->make_help(
      command, StrCat(parent, parent.empty() ? "" : " ", command->get_name()),
      CLI::AppFormatMode::Normal);
}

}  // namespace

void AddHelpCommand(CLI::App& root) {
  CLI::App* help = root.add_subcommand("help", "Print the help of a command");
  help->footer(
      StrCat("Example: ", root.get_name(), " help ", root.get_subcommands({}).front()->get_name()));
  const auto path = std::make_shared<std::vector<std::string>>();
  help->add_option("command", *path, "The command (default: help on all of them)")
      ->type_name("COMMAND");
  help->callback([&root, path] {
    std::cout << HelpOf(root, *path);
    throw CLI::Success();
  });
}

}  // namespace freshet
