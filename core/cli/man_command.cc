#include "core/cli/man_command.h"

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Text as roff: keeps dashes as they are, so that options can be copied, and no line becomes a
// request.
std::string Roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string OptionItem(const CLI::Option& option) {
  const CLI::Formatter formatter;
  const bool positional = option.get_positional();
  return StrCat(".TP\n\\fB", Roff(formatter.make_option_name(&option, positional)), "\\fR",
                Roff(formatter.make_option_opts(&option)), "\n", Roff(option.get_description()),
                "\n");
}

// The options and arguments of a command. --help is listed once, with those of the program.
std::string Options(const CLI::App& app) {
  std::string out;
  for (const CLI::Option* option : app.get_options()) {
    const bool repeated = app.get_parent() != nullptr && option == app.get_help_ptr();
    if (!option->get_group().empty() && !repeated) out += OptionItem(*option);
  }
  return out;
}

// Examples and the like, with their lines as they are.
std::string Footer(const CLI::App& app) {
  if (app.get_footer().empty()) return "";
  return StrCat(".PP\n.nf\n", Roff(app.get_footer()), "\n.fi\n");
}

// The line of `Usage:` without that word.
std::string Usage(const CLI::App& app, const std::string& name) {
  std::string usage = CLI::Formatter().make_usage(&app, name);
  usage.erase(0, usage.find(' ') + 1);
  CLI::detail::trim(usage);
  return usage;
}

// The sections of the commands below `app`, whose name with those of its parents is `name`.
std::string Commands(const CLI::App& app, const std::string& name) {
  std::string out;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_group().empty()) continue;  // Hidden.
    const std::string full_name = StrCat(name, " ", command->get_name());
    if (!command->get_subcommands({}).empty()) {
      out += Commands(*command, full_name);
      continue;
    }
    out += StrCat(".SS \"", Roff(Usage(*command, full_name)), "\"\n",
                  Roff(command->get_description()), ".\n");
    for (const std::string& alias : command->get_aliases()) {
      out += StrCat("Also: \\fB", Roff(StrCat(name, " ", alias)), "\\fR.\n");
    }
    out += Options(*command) + Footer(*command);
  }
  return out;
}

// What the program is, in a line that does not repeat its name.
std::string Summary(const CLI::App& root) {
  std::string summary = root.get_description();
  summary.erase(std::min(summary.find('\n'), summary.size()));
  if (summary.starts_with(root.get_name())) {
    summary.erase(0, summary.find(' ', root.get_name().size()) + 1);
  }
  return summary;
}

}  // namespace

std::string ManPage(const CLI::App& root, int section, std::string_view version) {
  const std::string& name = root.get_name();
  return StrCat(".TH ", absl::AsciiStrToUpper(name), " ", section, R"( "" ")", Roff(version),
                "\" \"\"\n.SH NAME\n", name, " \\- ", Roff(Summary(root)), "\n.SH SYNOPSIS\n.B ",
                Roff(Usage(root, name)), "\n.SH DESCRIPTION\n", Roff(root.get_description()), "\n",
                Footer(root), ".SH OPTIONS\n", Options(root), ".SH COMMANDS\n",
                Commands(root, name));
}

void AddManCommand(CLI::App& root, int section, std::string_view version) {
  CLI::App* man = root.add_subcommand("man", "Print the manual page");
  man->group("");  // Hidden.
  man->callback([&root, section, text = std::string(version)] {
    std::cout << ManPage(root, section, text);
    throw CLI::Success();
  });
}

}  // namespace freshet
