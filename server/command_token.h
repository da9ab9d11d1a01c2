// What `freshetd token` does.

#ifndef FRESHET_SERVER_COMMAND_TOKEN_H_
#define FRESHET_SERVER_COMMAND_TOKEN_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace freshet {

// A token to be made.
struct NewToken {
  std::string name;
  std::vector<std::string> roles;   // As `learn`.
  std::vector<std::string> models;  // As v1.Token.models.
  std::string file;                 // To add it to; empty: none.
};

// Makes a secret. Without a file, writes to `out` the secret and what belongs into the token file;
// with one, adds that to the file, which is created with mode 0600, and writes the secret alone.
// INVALID_ARGUMENT, and nothing is changed, where the token is wrong or the file is none of tokens;
// DATA_LOSS, as well, where the secret cannot be written.
absl::Status MakeToken(const NewToken& token, std::ostream& out);

}  // namespace freshet

#endif  // FRESHET_SERVER_COMMAND_TOKEN_H_
