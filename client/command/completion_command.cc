// freshet completion: prints a shell completion script, generated from the commands and options.

#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/command.h"
#include "client/command/learner_options.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// The words that can follow a command.
struct CommandWords {
  std::string path;  // "models create"; empty for freshet itself.
  std::vector<std::string> words;
};

void Gather(const CLI::App& app, const std::string& path, const std::vector<std::string>& inherited,
            std::vector<CommandWords>* all) {
  CommandWords words{path, {}};
  std::vector<std::string> options = inherited;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (path.empty() || (name != "help" && name != "version")) options.push_back("--" + name);
    }
  }
  for (const CLI::App* command : app.get_subcommands({})) {
    words.words.push_back(command->get_name());
  }
  words.words.insert(words.words.end(), options.begin(), options.end());
  all->push_back(words);
  for (const CLI::App* command : app.get_subcommands({})) {
    Gather(*command, path.empty() ? command->get_name() : StrCat(path, " ", command->get_name()),
           path.empty() ? options : inherited, all);
  }
}

std::string Joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += StrCat(out.empty() ? "" : " ", word);
  return out;
}

// A shell function, the same for bash and zsh, that prints the words that can follow a command.
std::string WordsFunction(const std::vector<CommandWords>& all) {
  std::string out = "_freshet_words() {\n  case \"$1\" in\n";
  for (const CommandWords& command : all) {
    out += StrCat("    \"", command.path, "\") echo \"", Joined(command.words), "\" ;;\n");
  }
  return out + "  esac\n}\n";
}

// A shell function, the same for bash and zsh, that prints the values that an option accepts.
std::string ValuesFunction() {
  return StrCat("_freshet_values() {\n  case \"$1\" in\n", "    --loss) echo \"",
                Joined(LossNames()), "\" ;;\n", "    --learner) echo \"", Joined(LearnerNames()),
                "\" ;;\n", "    --format) echo \"vw svmlight csv tsv jsonl\" ;;\n",
                "    --durability) echo \"fsync os none\" ;;\n",
                "    --progress) echo \"auto bar plain none\" ;;\n", "  esac\n}\n");
}

constexpr std::string_view kBash = R"sh(
_freshet() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" i word next
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word="${COMP_WORDS[i]}"
    next="${path:+$path }$word"
    [[ -n "$(_freshet_words "$next")" ]] && path="$next"
  done
  local words="$(_freshet_values "$prev")"
  [[ -z "$words" ]] && words="$(_freshet_words "$path")"
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _freshet freshet
)sh";

constexpr std::string_view kZsh = R"sh(
_freshet() {
  local cur_path="" next i
  local -a choices
  for ((i = 2; i < CURRENT; ++i)); do
    next="${cur_path:+$cur_path }${words[i]}"
    [[ -n "$(_freshet_words "$next")" ]] && cur_path="$next"
  done
  choices=(${=$(_freshet_values "${words[CURRENT-1]}")})
  (( ${#choices} )) || choices=(${=$(_freshet_words "$cur_path")})
  compadd -- $choices
  _files
}
compdef _freshet freshet
)sh";

void AddShell(CLI::App& completion, CommandContext& context, const CLI::App& root,
              const std::string& shell, const std::string& example, std::string_view header,
              std::string_view script) {
  CLI::App* command = completion.add_subcommand(shell, "Print the script for " + shell);
  command->footer("Example: " + example);
  command->callback([&context, &root, header, script] {
    context.action = [&root, header, script] {
      std::vector<CommandWords> all;
      Gather(root, "", {}, &all);
      std::cout << header << WordsFunction(all) << ValuesFunction() << script;
      return absl::OkStatus();
    };
  });
}

}  // namespace

void AddCompletionCommand(CLI::App& app, CommandContext& context) {
  CLI::App* completion = app.add_subcommand("completion", "Print a shell completion script");
  completion->require_subcommand(1);
  completion->footer("'freshet completion SHELL --help' says how to use the script.");
  AddShell(*completion, context, app, "bash", "source <(freshet completion bash)",
           "# bash completion for freshet\n", kBash);
  AddShell(*completion, context, app, "zsh", "source <(freshet completion zsh)",
           "# zsh completion for freshet\n", kZsh);
}

}  // namespace freshet
