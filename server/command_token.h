// The command `freshetd token`, which makes access tokens.

#ifndef FRESHET_SERVER_COMMAND_TOKEN_H_
#define FRESHET_SERVER_COMMAND_TOKEN_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace freshet {

// What to make: the arguments of the command.
struct NewToken {
  std::string name;
  std::vector<std::string> roles;   // For example `learn`.
  std::vector<std::string> models;  // As v1.Token.models.
  std::string file;                 // Token file to add the token to; empty: none.
};

// Makes a token with a new secret. Without a file, writes the secret and the token's entry for a
// token file to `out`. With a file, adds the entry to it, creating it with mode 0600 if need be,
// and writes only the secret to `out`. INVALID_ARGUMENT if the token is invalid or the file is not
// a token file; DATA_LOSS if the secret cannot be written to `out`. In both cases nothing is
// changed.
absl::Status MakeToken(const NewToken& token, std::ostream& out);

}  // namespace freshet

#endif  // FRESHET_SERVER_COMMAND_TOKEN_H_
