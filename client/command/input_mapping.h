// The model's input mapping on the command line: following it, choosing it from the first rows that
// a model sees, and changing it.

#ifndef FRESHET_CLIENT_COMMAND_INPUT_MAPPING_H_
#define FRESHET_CLIENT_COMMAND_INPUT_MAPPING_H_

#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/command/example_reader.h"
#include "core/format/input_mapping.h"
#include "core/format/mapping_proposal.h"
#include "freshet/v1/model.pb.h"

namespace freshet {

// Lets `input` read rows as the model's mapping says, if the model has one, and tells the user on
// stderr where options say something else.
void FollowMapping(const v1::Model& model, InputOptions& input);

// The same for learning. If the model has no mapping and has learned nothing, the first file of
// csv, tsv or jsonl decides: the mapping proposed for it becomes the model's, and is shown on
// stderr. `client` must outlive the use of `input`.
void FollowOrChooseMapping(const Client& client, const v1::Model& model, InputOptions& input);

// The flags of 'models create' and 'models update' that say what fields mean.
struct MappingFlags {
  std::string like;               // A file.
  std::vector<std::string> maps;  // See ParseFieldMapping().
  InputOptions input;             // --label and the like.
  bool labels_required = true;    // Whether the file of --like must have a label.
};

// Adds the flags. `flags` must outlive the command.
void AddMappingFlags(CLI::App& command, MappingFlags& flags);

// Whether a flag was given that says what fields mean.
bool HasMappingFlags(const MappingFlags& flags);

// The mapping that the flags ask for, and with --like the proposal that it comes from.
struct MappingFromFlags {
  InputMapping mapping;
  std::optional<MappingProposal> proposal;
};

// `current` is the model's mapping, which the flags change unless --like replaces it; null if the
// model has none.
absl::StatusOr<MappingFromFlags> MakeMapping(const MappingFlags& flags,
                                             const InputMapping* current);

// A table of the fields, for people: each with its role and, if there is one, the reason.
std::string MappingText(const InputMapping& mapping, const MappingProposal* proposal);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_INPUT_MAPPING_H_
