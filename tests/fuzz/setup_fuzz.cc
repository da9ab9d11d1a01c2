// Feeds bytes to the parser of the server's configuration or of its tokens, and checks what they
// guarantee: they never crash; errors name the place; options are within their ranges; tokens can
// be looked up.
//
// Compiled once for each of the two, which FRESHET_FUZZ_SETUP names.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/v1/server_config.pb.h"
#include "server/access/access_control.h"
#include "server/server_options.h"
#include "server/text_format.h"
#include "tests/fuzz/require.h"

namespace freshet {
namespace {

constexpr std::string_view kPlace = "fuzz";

void FeedConfig(std::string_view text) {
  v1::ServerConfig config;
  const absl::Status parsed = ParseTextFormat(text, kPlace, config);
  if (!parsed.ok()) {
    Require(parsed.message().substr(0, kPlace.size()) == "fuzz", "errors name the place");
    return;
  }
  const absl::StatusOr<ServerOptions> options = MakeServerOptions(config);
  if (!options.ok()) {
    Require(absl::IsInvalidArgument(options.status()), "a bad value is INVALID_ARGUMENT");
    return;
  }
  Require(options->max_message_bytes >= 4096 && options->max_batch_examples >= 1,
          "options within their ranges");
  Require(ChangedUntilRestart(*options, *options).empty(), "nothing differs from itself");
}

void FeedTokens(std::string_view text) {
  const absl::StatusOr<TokenTable> tokens = ParseTokens(text, kPlace);
  if (!tokens.ok()) {
    Require(tokens.status().message().substr(0, kPlace.size()) == "fuzz", "errors name the place");
    return;
  }
  Require(!tokens->empty(), "a token file has tokens");
  for (const auto& grant : *tokens) {
    Require(!grant->name.empty() && !grant->roles.empty(), "tokens have a name and roles");
    grant->Covers("clicks");
  }
}

}  // namespace
}  // namespace freshet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (std::string_view(FRESHET_FUZZ_SETUP) == "tokens") {
    freshet::FeedTokens(text);
  } else {
    freshet::FeedConfig(text);
  }
  return 0;
}
