// freshet complete: prints what can stand in place of the last word of a command line, one
// candidate per line, some with a tab and a description. The shells' scripts run it for each
// completion, so that they know no command or option themselves.

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/command/command.h"
#include "client/command/event_text.h"
#include "client/command/label_flags.h"
#include "client/command/learner_options.h"
#include "client/resource_names.h"
#include "core/base/str_cat.h"
#include "core/format/row_format.h"

namespace freshet {
namespace {

// How long a completion may wait for the server. Somebody is waiting for the shell.
constexpr int64_t kDeadlineMs = 1000;

struct Candidate {
  std::string word;
  std::string description;
};

// What the words before the last one say.
struct CommandLine {
  const CLI::App* command = nullptr;        // The innermost command.
  std::vector<std::string> arguments = {};  // Its arguments so far.
  const CLI::Option* pending = nullptr;     // The option whose value is the last word.
};

const CLI::Option* FindOption(const CLI::App* command, const std::string& name) {
  for (; command != nullptr; command = command->get_parent()) {
    if (const CLI::Option* option = command->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

// Gives a global option the value that the command line gives it, so that the right server is
// asked.
void SetGlobalOption(CLI::App& root, const CLI::Option* option, const std::string& value) {
  for (CLI::Option* global : root.get_options()) {
    if (global != option) continue;
    try {
      global->clear();
      global->add_result(value);
      global->run_callback();
    } catch (const CLI::Error&) {  // A value that is wrong, or not complete yet: ignore it.
    }
  }
}

void ReadOption(CLI::App& root, const std::string& word, CommandLine& line) {
  const size_t equals = word.find('=');
  const CLI::Option* const option = FindOption(line.command, word.substr(0, equals));
  if (option == nullptr) return;
  if (equals != std::string::npos) {
    SetGlobalOption(root, option, word.substr(equals + 1));
  } else if (option->get_expected_min() == 0) {
    SetGlobalOption(root, option, "true");  // A flag.
  } else {
    line.pending = option;
  }
}

CommandLine Read(CLI::App& root, const std::vector<std::string>& words) {
  CommandLine line{.command = &root};
  for (const std::string& word : words) {
    if (line.pending != nullptr) {
      SetGlobalOption(root, std::exchange(line.pending, nullptr), word);
      continue;
    }
    if (word.size() > 1 && word.front() == '-') {
      ReadOption(root, word, line);
      continue;
    }
    const std::vector<const CLI::App*> children = line.command->get_subcommands(
        [&word](const CLI::App* child) { return child->check_name(word); });
    if (children.empty()) {
      line.arguments.push_back(word);
    } else if (children.front()->get_name() != "help") {  // The words after it are commands too.
      line.command = children.front();
    }
  }
  return line;
}

std::vector<Candidate> Commands(const CLI::App& parent) {
  std::vector<Candidate> candidates;
  for (const CLI::App* command : parent.get_subcommands({})) {
    if (command->get_group().empty()) continue;  // Hidden.
    candidates.push_back({command->get_name(), command->get_description()});
    for (const std::string& alias : command->get_aliases()) {
      candidates.push_back({alias, command->get_description()});
    }
  }
  return candidates;
}

std::vector<Candidate> Options(const CLI::App* command) {
  std::vector<Candidate> candidates;
  for (const CLI::App* app = command; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      if (app != command && !option->get_configurable()) continue;  // --help and the like.
      for (const std::string& name : option->get_lnames()) {
        candidates.push_back({"--" + name, option->get_description()});
      }
    }
  }
  return candidates;
}

template <typename Names>
std::vector<Candidate> Words(const Names& names) {
  std::vector<Candidate> candidates;
  candidates.reserve(std::size(names));
  for (const auto& name : names) candidates.push_back({std::string(name), ""});
  return candidates;
}

// The values that an option accepts; none if it accepts anything.
std::vector<Candidate> Values(const CLI::Option& option) {
  const std::vector<std::string>& names = option.get_lnames();
  const auto is = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (is("loss")) return Words(LossNames());
  if (is("learner")) return Words(LearnerNames());
  if (is("label-policy")) return Words(LabelPolicyNames());
  if (is("aggregate")) return Words(FeedbackAggregateNames());
  if (is("state")) return Words(EventStateNames());
  if (is("format")) return Words(FormatNames());
  if (is("durability")) return Words(std::vector{"fsync", "os", "none"});
  if (is("progress")) return Words(std::vector{"auto", "bar", "plain", "none"});
  if (is("output") && option.get_type_name() == "FORMAT") {
    return Words(std::vector{"csv", "jsonl"});
  }
  return {};
}

absl::StatusOr<std::unique_ptr<Client>> ConnectInShort(const CommandContext& context) {
  absl::StatusOr<ClientOptions> options = ConnectionOptions(context);
  if (!options.ok()) return options.status();
  options->deadline_ms = kDeadlineMs;
  options->connect_timeout_ms = kDeadlineMs;
  return Client::Connect(*std::move(options));
}

// The models of the server, or the snapshots of `model` if it is not empty. None if the server
// does not answer.
std::vector<Candidate> Resources(const CommandContext& context, const std::string& model) {
  std::vector<Candidate> candidates;
  const auto client = ConnectInShort(context);
  if (!client.ok()) return candidates;
  if (model.empty()) {
    const auto models = (*client)->ListModels();
    if (!models.ok()) return candidates;
    for (const v1::Model& each : *models) candidates.push_back({ModelId(each.name()), ""});
  } else {
    const auto snapshots = (*client)->ListSnapshots(model);
    if (!snapshots.ok()) return candidates;
    for (const v1::Snapshot& each : *snapshots) {
      candidates.push_back({LastSegment(each.name()), ""});
    }
  }
  return candidates;
}

std::vector<Candidate> Arguments(const CommandContext& context, const CommandLine& line) {
  const std::vector<const CLI::Option*> arguments =
      line.command->get_options([](const CLI::Option* option) { return option->get_positional(); });
  if (line.arguments.size() >= arguments.size()) return {};
  const std::string type = arguments[line.arguments.size()]->get_type_name();
  if (type == "MODEL") return Resources(context, "");
  if (type.starts_with("SNAPSHOT")) return Resources(context, line.arguments.front());
  return {};
}

absl::Status Complete(CLI::App& root, CommandContext& context,
                      const std::vector<std::string>& words) {
  if (words.empty()) return absl::OkStatus();
  const std::string& last = words.back();
  const CommandLine line = Read(root, {words.begin(), words.end() - 1});
  std::vector<Candidate> candidates;
  if (line.pending != nullptr) {
    candidates = Values(*line.pending);
  } else if (last.starts_with("-")) {
    candidates = Options(line.command);
  } else if (!line.command->get_subcommands({}).empty()) {
    candidates = Commands(*line.command);
  } else {
    candidates = Arguments(context, line);
  }
  for (const Candidate& candidate : candidates) {
    if (!candidate.word.starts_with(last)) continue;
    std::cout << candidate.word << (candidate.description.empty() ? "" : "\t")
              << candidate.description << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddCompleteCommand(CLI::App& app, CommandContext& context) {
  CLI::App* complete = app.add_subcommand("complete", "Print what can stand in place of a word");
  complete->group("");  // Hidden.
  const auto words = std::make_shared<std::vector<std::string>>();
  complete->add_option("words", *words, "The command line after 'freshet', up to the cursor");
  complete->callback([&app, &context, words] {
    context.action = [&app, &context, words] { return Complete(app, context, *words); };
  });
}

}  // namespace freshet
