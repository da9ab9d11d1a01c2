#include "server/access/caller.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr std::string_view kRolePrefix = "ROLE_";

// How much of a model's name errors repeat: enough for any id. A name from a request may be of any
// length.
constexpr size_t kMaxNamedChars = 63;

}  // namespace

std::string RoleName(v1::Token::Role role) {
  return absl::AsciiStrToLower(v1::Token::Role_Name(role).substr(kRolePrefix.size()));
}

bool Grant::Has(v1::Token::Role role) const {
  return std::any_of(roles.begin(), roles.end(), [role](v1::Token::Role own) {
    return own == role || own == v1::Token::ROLE_ADMIN;
  });
}

bool Grant::Covers(std::string_view model_id) const {
  return models.empty() ||
         std::any_of(models.begin(), models.end(), [model_id](std::string_view pattern) {
           return pattern.ends_with('*')
                      ? model_id.starts_with(pattern.substr(0, pattern.size() - 1))
                      : model_id == pattern;
         });
}

std::string_view Caller::name() const {
  return grant_ == nullptr ? std::string_view() : std::string_view(grant_->name);
}

absl::Status Caller::CheckRole(v1::Token::Role role) const {
  if (grant_ == nullptr || grant_->Has(role)) return absl::OkStatus();
  std::vector<std::string> own;
  for (const v1::Token::Role has : grant_->roles) own.push_back(RoleName(has));
  return absl::PermissionDeniedError(
      StrCat("token \"", grant_->name, "\" may not do this: it requires the role ", RoleName(role),
             ", and the token has ", absl::StrJoin(own, ", ")));
}

absl::Status Caller::CheckModel(std::string_view model_id) const {
  if (Covers(model_id)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      StrCat("token \"", grant_->name, "\" is not for model \"", model_id.substr(0, kMaxNamedChars),
             "\"; its models are ", absl::StrJoin(grant_->models, ", ")));
}

absl::Status Caller::CheckAllModels() const {
  if (grant_ == nullptr || grant_->models.empty()) return absl::OkStatus();
  if (std::count(grant_->models.begin(), grant_->models.end(), "*") > 0) return absl::OkStatus();
  return absl::PermissionDeniedError(
      StrCat("token \"", grant_->name,
             "\" may not do this: it concerns all models, and the token is only for ",
             absl::StrJoin(grant_->models, ", ")));
}

}  // namespace freshet
