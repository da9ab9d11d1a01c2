#include "client/command/model_flags.h"

#include "client/command/quantity.h"
#include "core/cli/suggest.h"

namespace freshet {
namespace {

absl::StatusOr<v1::Durability> ParseDurability(std::string_view name) {
  if (name.empty()) return v1::DURABILITY_UNSPECIFIED;
  if (name == "fsync") return v1::DURABILITY_FSYNC;
  if (name == "os") return v1::DURABILITY_OS;
  if (name == "none") return v1::DURABILITY_NONE;
  return absl::InvalidArgumentError(NotOneOf("durability", name, {"fsync", "os", "none"}));
}

}  // namespace

void AddModelFlags(CLI::App& command, ModelFlags& flags) {
  command
      .add_option("--durability", flags.durability,
                  "What acknowledged examples survive: fsync (power loss), os (a crash of the "
                  "server) or none")
      ->type_name("LEVEL");
  command
      .add_option("--retain-bytes", flags.retain_bytes,
                  "Keep log records that recovery no longer needs while the log is at most this "
                  "large, such as 500M or 10G (default: the server's setting)")
      ->type_name("SIZE");
  command
      .add_option("--retain-age", flags.retain_age,
                  "Keep log records that recovery no longer needs for this long, such as 30m, 12h "
                  "or 7d (default: the server's setting)")
      ->type_name("DURATION");
}

absl::StatusOr<NewModelOptions> ParseModelFlags(const ModelFlags& flags) {
  NewModelOptions options;
  const absl::StatusOr<v1::Durability> durability = ParseDurability(flags.durability);
  if (!durability.ok()) return durability.status();
  options.durability = *durability;
  if (!flags.retain_bytes.empty()) {
    const absl::StatusOr<uint64_t> bytes = ParseBytes(flags.retain_bytes);
    if (!bytes.ok()) return bytes.status();
    options.log_retention.set_max_bytes(*bytes);
  }
  if (!flags.retain_age.empty()) {
    const absl::StatusOr<uint64_t> seconds = ParseSeconds(flags.retain_age);
    if (!seconds.ok()) return seconds.status();
    options.log_retention.set_max_age_s(*seconds);
  }
  return options;
}

}  // namespace freshet
