// The settings file of the freshet command, for example
//
//   # The server of our team.
//   server = ml1.example.com
//   token-file = /home/ann/.freshet-token
//   tls = true

#ifndef FRESHET_CLIENT_COMMAND_SETTINGS_FILE_H_
#define FRESHET_CLIENT_COMMAND_SETTINGS_FILE_H_

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace freshet {

// $XDG_CONFIG_HOME/freshet/config, by default ~/.config/freshet/config. Empty if the environment
// names no home folder either.
std::string SettingsPath();

// Sets each option of `app` that neither a flag nor the environment has set to its value in the
// file. A line is NAME = VALUE with the name of a flag without its dashes; the value may be in
// quotes; lines that begin with # are comments. Without the file nothing changes. INVALID_ARGUMENT
// names the file and the line, and what is wrong there. REQUIRES: `app` has parsed a command line.
absl::Status ApplySettings(const std::string& path, CLI::App& app);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_SETTINGS_FILE_H_
