// The tokens that a server knows.

#ifndef FRESHET_SERVER_ACCESS_ACCESS_CONTROL_H_
#define FRESHET_SERVER_ACCESS_ACCESS_CONTROL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/access/caller.h"
#include "server/thread/published.h"

namespace freshet {

using TokenTable = std::vector<std::shared_ptr<const Grant>>;

// Reads a token file's text: a v1.TokenList. INVALID_ARGUMENT names `place` and what is wrong, and
// repeats nothing that could be a secret. A list without tokens is wrong: nobody could do anything.
absl::StatusOr<TokenTable> ParseTokens(std::string_view text, std::string_view place);

// Thread-safe.
class AccessControl {
 public:
  // Without tokens: everyone may do everything.
  AccessControl() = default;

  // With those of a file. Errors name the file.
  static absl::StatusOr<std::unique_ptr<AccessControl>> Load(std::string path);

  // Whether there are tokens.
  bool has_tokens() const { return !path_.empty(); }

  // Who sends the header `authorization: Bearer SECRET`; given is its value, empty where there is
  // none. UNAUTHENTICATED says how to give a token.
  absl::StatusOr<Caller> Identify(std::string_view authorization) const;

  // Whether the tokens are as they were when `caller` came or was renewed last: a look at a number,
  // for who asks often.
  bool IsCurrent(const Caller& caller) const {
    return caller.token_version() == version_.load(std::memory_order_acquire);
  }

  // The same caller, as the tokens are now: for calls that last. UNAUTHENTICATED where the token is
  // gone.
  absl::StatusOr<Caller> Renew(const Caller& caller) const;

  // Reads the file again if it has changed; returns whether the tokens are now others. Where it
  // cannot be read or understood, the tokens stay, and the error comes once for each such content.
  absl::StatusOr<bool> Reload();

 private:
  std::string path_;  // Empty: no tokens.
  Published<const TokenTable> tokens_;
  std::atomic<uint64_t> version_{0};  // Grows after tokens_ was replaced.

  absl::Mutex reload_mu_;  // Held while the file is read, which is seldom.
  // Its text, or why it could not be read.
  std::optional<std::string> last_seen_ ABSL_GUARDED_BY(reload_mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_ACCESS_ACCESS_CONTROL_H_
