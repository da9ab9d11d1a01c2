#include "client/command/command.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// The secret in a file: its first word, so that a newline at the end does no harm.
absl::StatusOr<std::string> ReadToken(const std::string& path) {
  std::ifstream file(path);
  std::string token;
  if (!(file >> token)) {
    return absl::NotFoundError(StrCat("cannot read a token from ", path,
                                      "; --token-file takes a file that holds only the secret"));
  }
  return token;
}

}  // namespace

absl::StatusOr<ClientOptions> ConnectionOptions(const CommandContext& context) {
  ClientOptions options;
  options.server = context.server;
  if (context.deadline_s.has_value()) {
    options.deadline_ms = static_cast<int64_t>(std::ceil(*context.deadline_s * 1000));
    options.connect_timeout_ms = std::max(options.connect_timeout_ms, options.deadline_ms);
  }
  options.token = context.token;
  if (options.token.empty() && !context.token_file.empty()) {
    absl::StatusOr<std::string> token = ReadToken(context.token_file);
    if (!token.ok()) return token.status();
    options.token = *std::move(token);
  }
  const ClientTls& tls = context.tls_files;
  const bool has_files =
      !tls.ca_file.empty() || !tls.certificate_file.empty() || !tls.key_file.empty();
  if (context.tls || has_files) options.tls = tls;
  return options;
}

absl::StatusOr<std::unique_ptr<Client>> Connect(const CommandContext& context) {
  absl::StatusOr<ClientOptions> options = ConnectionOptions(context);
  if (!options.ok()) return options.status();
  return Client::Connect(*std::move(options));
}

}  // namespace freshet
