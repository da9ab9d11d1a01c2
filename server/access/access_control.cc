#include "server/access/access_control.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "core/base/str_cat.h"
#include "server/file/file_system.h"
#include "server/file/small_file.h"
#include "server/text_format.h"

namespace freshet {
namespace {

constexpr uint64_t kMaxTokenFileBytes = uint64_t{1} << 20;
constexpr size_t kMaxNameSize = 64;
constexpr absl::string_view kScheme = "bearer ";

bool IsName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxNameSize &&
         std::all_of(name.begin(), name.end(), allowed);
}

bool IsModelPattern(std::string_view pattern) {
  if (pattern.ends_with('*')) {
    pattern.remove_suffix(1);
  } else if (pattern.empty()) {
    return false;
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return std::all_of(pattern.begin(), pattern.end(), allowed);
}

// Whether a digest is that of an empty secret or of a bare line feed, as a mistyped command would
// compute.
bool IsOfNothing(const SecretDigest& digest) {
  return digest == DigestOf("") || digest == DigestOf("\n") || digest == DigestOf("\r\n");
}

// What is wrong with a token; empty if nothing is.
std::string WrongWith(const v1::Token& token) {
  if (!IsName(token.name())) {
    return "its name must be 1 to 64 characters of A-Z, a-z, 0-9, '.', '_' and '-'";
  }
  if (!DigestFromHex(token.sha256())) {
    return "its sha256 must be 64 hexadecimal digits; 'freshetd token' makes a token";
  }
  if (IsOfNothing(*DigestFromHex(token.sha256()))) {
    return "its sha256 is that of an empty secret; 'freshetd token' makes a token";
  }
  if (token.roles().empty()) return "it has no roles";
  for (const int role : token.roles()) {
    if (role == v1::Token::ROLE_UNSPECIFIED || !v1::Token::Role_IsValid(role)) {
      return "its roles must be ROLE_READ, ROLE_PREDICT, ROLE_LEARN or ROLE_ADMIN";
    }
  }
  for (const std::string& pattern : token.models()) {
    if (!IsModelPattern(pattern)) return "its models must be ids, with or without a * at the end";
  }
  return "";
}

std::shared_ptr<const Grant> GrantOf(const v1::Token& token) {
  auto grant = std::make_shared<Grant>();
  grant->name = token.name();
  grant->digest = *DigestFromHex(token.sha256());
  for (const int role : token.roles()) grant->roles.push_back(static_cast<v1::Token::Role>(role));
  grant->models.assign(token.models().begin(), token.models().end());
  return grant;
}

// Compares with every token, so that the time does not reveal the position of a match.
std::shared_ptr<const Grant> Find(const TokenTable& tokens, const SecretDigest& digest) {
  std::shared_ptr<const Grant> found;
  for (const std::shared_ptr<const Grant>& token : tokens) {
    if (EqualInConstantTime(token->digest, digest)) found = token;
  }
  return found;
}

}  // namespace

absl::StatusOr<TokenTable> ParseTokens(std::string_view text, std::string_view place) {
  v1::TokenList list;
  if (absl::Status status = ParseTextFormat(text, place, list); !status.ok()) return status;
  const auto wrong = [&](const auto&... what) {
    return absl::InvalidArgumentError(StrCat(place, ": ", what...));
  };
  if (list.tokens().empty()) {
    return wrong("it has no tokens; make one with 'freshetd token NAME --role admin'");
  }
  TokenTable tokens;
  for (int i = 0; i < list.tokens_size(); ++i) {
    const v1::Token& token = list.tokens(i);
    if (const std::string reason = WrongWith(token); !reason.empty()) {
      return wrong("token ", i + 1, ": ", reason);
    }
    std::shared_ptr<const Grant> grant = GrantOf(token);
    if (Find(tokens, grant->digest) != nullptr) {
      return wrong("token ", i + 1, ": its sha256 is the same as that of another token");
    }
    tokens.push_back(std::move(grant));
  }
  return tokens;
}

absl::StatusOr<std::unique_ptr<AccessControl>> AccessControl::Load(std::string path) {
  auto access = std::make_unique<AccessControl>();
  access->path_ = std::move(path);
  absl::StatusOr<bool> loaded = access->Reload();
  if (!loaded.ok()) return loaded.status();
  return access;
}

absl::StatusOr<bool> AccessControl::Reload() {
  if (!has_tokens()) return false;
  absl::MutexLock lock(&reload_mu_);
  absl::StatusOr<std::string> text = ReadSmallFile(PosixFileSystem(), path_, kMaxTokenFileBytes);
  std::string seen = text.ok() ? StrCat("text ", *text) : text.status().ToString();
  if (seen == last_seen_) return false;
  last_seen_ = std::move(seen);
  if (!text.ok()) return text.status();
  absl::StatusOr<TokenTable> tokens = ParseTokens(*text, path_);
  if (!tokens.ok()) return tokens.status();
  tokens_.Store(std::make_shared<const TokenTable>(*std::move(tokens)));
  version_.fetch_add(1, std::memory_order_release);
  return true;
}

absl::StatusOr<Caller> AccessControl::Identify(std::string_view authorization) const {
  if (!has_tokens()) return Caller();
  absl::string_view secret = ToAbsl(authorization);
  if (!absl::StartsWithIgnoreCase(secret, kScheme)) {
    return absl::UnauthenticatedError(
        "a token is required: set FRESHET_TOKEN or --token-file, or send the header "
        "'authorization: Bearer TOKEN'");
  }
  secret.remove_prefix(kScheme.size());
  const uint64_t version = version_.load(std::memory_order_acquire);
  const std::shared_ptr<const TokenTable> tokens = tokens_.Load();
  std::shared_ptr<const Grant> grant = Find(*tokens, DigestOf(ToStd(secret)));
  if (grant == nullptr) {
    return absl::UnauthenticatedError(
        "the server does not know this token; ask its operator for one ('freshetd token' makes "
        "them)");
  }
  return Caller(std::move(grant), version);
}

absl::StatusOr<Caller> AccessControl::Renew(const Caller& caller) const {
  if (caller.grant() == nullptr) return caller;
  const uint64_t version = version_.load(std::memory_order_acquire);
  const std::shared_ptr<const TokenTable> tokens = tokens_.Load();
  std::shared_ptr<const Grant> grant = Find(*tokens, caller.grant()->digest);
  if (grant == nullptr) {
    return absl::UnauthenticatedError(StrCat("token \"", caller.name(), "\" was withdrawn"));
  }
  return Caller(std::move(grant), version);
}

}  // namespace freshet
