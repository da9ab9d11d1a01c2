// freshet completion: prints a shell completion script. The scripts ask freshet itself what can
// stand in place of a word: see complete_command.cc.

#include <iostream>
#include <string>
#include <string_view>

#include "client/command/command.h"

namespace freshet {
namespace {

// Takes the words from the line itself, since bash also splits them at ':' and '='. Without
// candidates, bash completes file names.
constexpr std::string_view kBash = R"sh(# bash completion for freshet
_freshet() {
  local line words
  line=${COMP_LINE:0:COMP_POINT}
  read -ra words <<< "$line"
  [[ $line != *[[:space:]] ]] || words+=('')
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("${line%%$'\t'*}")
  done < <("${words[0]}" complete -- "${words[@]:1}" 2> /dev/null)
}
complete -o default -F _freshet freshet
)sh";

// Works both as a file in $fpath and in 'source <(freshet completion zsh)'.
constexpr std::string_view kZsh = R"sh(#compdef freshet
# zsh completion for freshet
_freshet() {
  local -a lines
  lines=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2> /dev/null)}")
  lines=("${(@)lines%%$'\t'*}")
  lines=(${lines:#})
  if (( ${#lines} )); then
    compadd -- $lines
  else
    _files
  fi
}
if [[ ${funcstack[1]} == _freshet ]]; then
  _freshet "$@"
else
  compdef _freshet freshet
fi
)sh";

constexpr std::string_view kFish = R"sh(# fish completion for freshet
function __freshet_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l word (commandline -ct)
    set -l lines ($program complete -- $words "$word" 2> /dev/null)
    if test (count $lines) -gt 0
        printf '%s\n' $lines
    else
        __fish_complete_path "$word"
    end
end
complete -c freshet -f -a '(__freshet_complete)'
)sh";

void AddShell(CLI::App& completion, const std::string& shell, const std::string& example,
              std::string_view script) {
  CLI::App* command = completion.add_subcommand(shell, "Print the script for " + shell);
  command->footer("Example: " + example);
  command->callback([script] {
    std::cout << script;
    throw CLI::Success();  // As --help does: this needs no settings.
  });
}

}  // namespace

void AddCompletionCommand(CLI::App& app) {
  CLI::App* completion = app.add_subcommand("completion", "Print a shell completion script");
  completion->require_subcommand(1);
  completion->footer("'freshet completion SHELL --help' says how to use the script.");
  AddShell(*completion, "bash", "source <(freshet completion bash)", kBash);
  AddShell(*completion, "zsh", "source <(freshet completion zsh)", kZsh);
  AddShell(*completion, "fish", "freshet completion fish | source", kFish);
}

}  // namespace freshet
