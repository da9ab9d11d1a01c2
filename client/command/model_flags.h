// The flags of commands that say what a model is like, apart from its learner.

#ifndef FRESHET_CLIENT_COMMAND_MODEL_FLAGS_H_
#define FRESHET_CLIENT_COMMAND_MODEL_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"

namespace freshet {

// As they were typed; empty where they were not.
struct ModelFlags {
  std::string durability;
  std::string retain_bytes;
  std::string retain_age;
};

// Adds --durability, --retain-bytes and --retain-age. `flags` must outlive the command.
void AddModelFlags(CLI::App& command, ModelFlags& flags);

// What they say. INVALID_ARGUMENT where one is not understood.
absl::StatusOr<NewModelOptions> ParseModelFlags(const ModelFlags& flags);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_MODEL_FLAGS_H_
