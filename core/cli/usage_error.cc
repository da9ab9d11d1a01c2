#include "core/cli/usage_error.h"

#include <algorithm>
#include <vector>

#include "core/base/str_cat.h"
#include "core/cli/suggest.h"

namespace freshet {
namespace {

// The commands that were recognised, from the root to the innermost.
std::vector<const CLI::App*> RecognisedCommands(const CLI::App& root) {
  std::vector<const CLI::App*> commands = {&root};
  while (!commands.back()->get_subcommands().empty()) {
    commands.push_back(commands.back()->get_subcommands().front());
  }
  return commands;
}

// The option of a word such as --format=csv.
std::string OptionName(const std::string& word) { return word.substr(0, word.find('=')); }

std::string NoSuchOption(const CLI::App& root, const std::string& name) {
  std::vector<std::string> names;
  for (const CLI::App* command : RecognisedCommands(root)) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& known : option->get_lnames()) names.push_back("--" + known);
    }
  }
  return StrCat("there is no option '", name, "'", DidYouMean(name, names));
}

}  // namespace

std::string NoSuchCommand(const CLI::App& parent, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::App* command : parent.get_subcommands({})) {
    if (command->get_group().empty()) continue;  // Hidden.
    names.push_back(command->get_name());
    for (const std::string& alias : command->get_aliases()) names.push_back(alias);
  }
  return StrCat("there is no command '", word, "'", DidYouMean(word, names));
}

std::string UsageError(const CLI::App& root, const CLI::ParseError& error) {
  const std::vector<std::string> extras = root.remaining(/*recurse=*/true);
  if (extras.empty()) return error.what();
  const auto option = std::find_if(extras.begin(), extras.end(), [](const std::string& word) {
    return word.size() > 1 && word.front() == '-';
  });
  if (option != extras.end()) return NoSuchOption(root, OptionName(*option));
  const CLI::App& command = *RecognisedCommands(root).back();
  if (command.get_subcommands({}).empty()) {
    return StrCat("'", extras.front(), "' is one argument too many");
  }
  return NoSuchCommand(command, extras.front());
}

std::string HelpCommandLine(const CLI::App& root) {
  std::string line;
  for (const CLI::App* command : RecognisedCommands(root)) line += command->get_name() + " ";
  return line + "--help";
}

}  // namespace freshet
