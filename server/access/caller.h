// The sender of a call, and what the sender may do.

#ifndef FRESHET_SERVER_ACCESS_CALLER_H_
#define FRESHET_SERVER_ACCESS_CALLER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "freshet/v1/server_config.pb.h"
#include "server/access/secret.h"

namespace freshet {

// What one token grants. See v1.Token.
struct Grant {
  std::string name;
  SecretDigest digest;
  std::vector<v1::Token::Role> roles;  // At least one.
  std::vector<std::string> models;     // Ids; a final `*` matches any ending. Empty: all models.

  bool Has(v1::Token::Role role) const;
  bool Covers(std::string_view model_id) const;
};

// The bearer of a token, or anyone if the server has no tokens; anyone may do everything. Cheap to
// copy. Errors are PERMISSION_DENIED and say what the token lacks.
class Caller {
 public:
  // Anyone.
  Caller() = default;

  // `token_version` is the version of the token table that the grant comes from; see
  // AccessControl::IsCurrent().
  explicit Caller(std::shared_ptr<const Grant> grant, uint64_t token_version = 0)
      : grant_(std::move(grant)), token_version_(token_version) {}

  // Null for anyone.
  const Grant* grant() const { return grant_.get(); }

  uint64_t token_version() const { return token_version_; }

  // The token's name; empty for anyone.
  std::string_view name() const;

  absl::Status CheckRole(v1::Token::Role role) const;
  absl::Status CheckModel(std::string_view model_id) const;
  // Checks that the token is not limited to certain models.
  absl::Status CheckAllModels() const;

  bool Covers(std::string_view model_id) const {
    return grant_ == nullptr || grant_->Covers(model_id);
  }

 private:
  std::shared_ptr<const Grant> grant_;
  uint64_t token_version_ = 0;
};

// For example `learn` for ROLE_LEARN.
std::string RoleName(v1::Token::Role role);

}  // namespace freshet

#endif  // FRESHET_SERVER_ACCESS_CALLER_H_
