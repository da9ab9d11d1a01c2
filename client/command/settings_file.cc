#include "client/command/settings_file.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_join.h"
#include "core/base/str_cat.h"
#include "core/cli/suggest.h"

namespace freshet {
namespace {

using SettableOptions = std::map<std::string, CLI::Option*>;

SettableOptions FindSettable(CLI::App& app) {
  SettableOptions options;
  for (CLI::Option* option : app.get_options()) {
    if (!option->get_configurable()) continue;
    for (const std::string& name : option->get_lnames()) options[name] = option;
  }
  return options;
}

absl::Status NoSuchSetting(const std::string& name, const SettableOptions& options) {
  std::vector<std::string> names;
  names.reserve(options.size());
  for (const auto& [known, option] : options) names.push_back(known);
  return absl::InvalidArgumentError(StrCat("there is no setting '", name, "'",
                                           DidYouMean(name, names), "; settings are ",
                                           absl::StrJoin(names, ", ")));
}

absl::Status Set(const std::string& value, CLI::Option& option) {
  if (option.count() > 0) return absl::OkStatus();  // By a flag or the environment, which win.
  try {
    option.add_result(value);
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  return absl::OkStatus();
}

absl::Status ApplyLine(std::string line, const SettableOptions& options,
                       std::set<std::string>& seen) {
  CLI::detail::trim(line);
  if (line.empty() || line.front() == '#') return absl::OkStatus();
  const size_t equals = line.find('=');
  if (equals == std::string::npos) {
    return absl::InvalidArgumentError(
        StrCat("'", line, "' has no '='; write NAME = VALUE, for example server = localhost:7400"));
  }
  const std::string name = CLI::detail::trim_copy(line.substr(0, equals));
  std::string value = CLI::detail::trim_copy(line.substr(equals + 1));
  CLI::detail::remove_quotes(value);
  const auto option = options.find(name);
  if (option == options.end()) return NoSuchSetting(name, options);
  if (!seen.insert(name).second) {
    return absl::InvalidArgumentError(StrCat("an earlier line sets ", name, " too; keep one"));
  }
  if (value.empty()) return absl::InvalidArgumentError(StrCat(name, " has no value"));
  return Set(value, *option->second);
}

}  // namespace

std::string SettingsPath() {
  const char* const config = std::getenv("XDG_CONFIG_HOME");
  // The specification of these folders says to ignore a relative path.
  if (config != nullptr && config[0] == '/') return StrCat(config, "/freshet/config");
  const char* const home = std::getenv("HOME");
  return home == nullptr || home[0] == '\0' ? "" : StrCat(home, "/.config/freshet/config");
}

absl::Status ApplySettings(const std::string& path, CLI::App& app) {
  if (path.empty()) return absl::OkStatus();
  std::ifstream file(path);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, StrCat("cannot read ", path));
  }
  const SettableOptions options = FindSettable(app);
  std::set<std::string> seen;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const absl::Status status = ApplyLine(line, options, seen);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          StrCat(path, ", line ", number, ": ", ToStd(status.message())));
    }
  }
  if (file.bad()) return absl::ErrnoToStatus(errno, StrCat("cannot read ", path));
  return absl::OkStatus();
}

}  // namespace freshet
