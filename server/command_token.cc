#include "server/command_token.h"

#include <google/protobuf/text_format.h>

#include <array>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "core/base/str_cat.h"
#include "freshet/v1/server_config.pb.h"
#include "server/access/access_control.h"
#include "server/access/caller.h"
#include "server/access/secret.h"
#include "server/file/file_system.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

absl::StatusOr<v1::Token::Role> ParseRole(const std::string& name) {
  v1::Token::Role role = v1::Token::ROLE_UNSPECIFIED;
  if (v1::Token::Role_Parse(StrCat("ROLE_", absl::AsciiStrToUpper(name)), &role) &&
      role != v1::Token::ROLE_UNSPECIFIED) {
    return role;
  }
  return absl::InvalidArgumentError(
      StrCat("there is no role \"", name, "\"; it must be read, predict, learn or admin"));
}

// The token's entry for a token file, without the secret.
absl::StatusOr<std::string> FileEntry(const NewToken& token, const std::string& secret) {
  v1::TokenList list;
  v1::Token& entry = *list.add_tokens();
  entry.set_name(token.name);
  entry.set_sha256(ToHex(DigestOf(secret)));
  for (const std::string& name : token.roles) {
    const absl::StatusOr<v1::Token::Role> role = ParseRole(name);
    if (!role.ok()) return role.status();
    entry.add_roles(*role);
  }
  for (const std::string& model : token.models) entry.add_models(model);
  std::string text;
  google::protobuf::TextFormat::PrintToString(list, &text);
  if (absl::StatusOr<TokenTable> parsed = ParseTokens(text, "the new token"); !parsed.ok()) {
    return parsed.status();
  }
  return text;
}

// A token file that was read and is valid, or does not exist yet.
struct TokenFile {
  std::string content;
  bool is_new = false;
};

absl::StatusOr<TokenFile> ReadTokenFile(const std::string& path) {
  absl::StatusOr<std::string> content = ReadSmallFile(PosixFileSystem(), path);
  if (absl::IsNotFound(content.status())) return TokenFile{.content = "", .is_new = true};
  if (!content.ok()) return content.status();
  if (absl::StatusOr<TokenTable> parsed = ParseTokens(*content, path); !parsed.ok()) {
    return parsed.status();
  }
  return TokenFile{.content = *std::move(content), .is_new = false};
}

// Appends in place, so that the file keeps its owner.
absl::Status AddToFile(const std::string& path, const TokenFile& old, const std::string& entry) {
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      PosixFileSystem().OpenAppend(path, old.is_new ? AppendMode::kCreate : AppendMode::kExisting);
  if (!file.ok()) return file.status();
  const std::string text =
      old.content.empty() || old.content.ends_with('\n') ? entry : StrCat("\n", entry);
  const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(text))};
  absl::Status status = (*file)->Append(pieces);
  return status.ok() ? (*file)->Sync() : status;
}

// The output has the only copy of the secret, so a failed write must not go unnoticed.
absl::Status Flush(std::ostream& out) {
  if (out.flush()) return absl::OkStatus();
  return absl::DataLossError("the secret cannot be written to stdout; no token was added");
}

}  // namespace

absl::Status MakeToken(const NewToken& token, std::ostream& out) {
  const absl::StatusOr<std::string> secret = NewSecret();
  if (!secret.ok()) return secret.status();
  const absl::StatusOr<std::string> entry = FileEntry(token, *secret);
  if (!entry.ok()) return entry.status();
  if (token.file.empty()) {
    out << "The secret, which is stored nowhere else; clients take it as FRESHET_TOKEN:\n\n  "
        << *secret << "\n\nAdd this to the token file:\n\n"
        << *entry;
    return Flush(out);
  }
  const absl::StatusOr<TokenFile> old = ReadTokenFile(token.file);
  if (!old.ok()) return old.status();
  out << *secret << "\n";
  absl::Status status = Flush(out);
  return status.ok() ? AddToFile(token.file, *old, *entry) : status;
}

}  // namespace freshet
