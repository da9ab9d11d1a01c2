// The flags for settings of a model other than its learner: durability and log retention.

#ifndef FRESHET_CLIENT_COMMAND_MODEL_FLAGS_H_
#define FRESHET_CLIENT_COMMAND_MODEL_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"

namespace freshet {

// The values of the flags as typed; empty if not given.
struct ModelFlags {
  std::string durability;
  std::string retain_bytes;
  std::string retain_age;
};

// Adds --durability, --retain-bytes and --retain-age. `flags` must outlive the command.
void AddModelFlags(CLI::App& command, ModelFlags& flags);

// Parses the flags. INVALID_ARGUMENT if a value cannot be parsed.
absl::StatusOr<NewModelOptions> ParseModelFlags(const ModelFlags& flags);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_MODEL_FLAGS_H_
