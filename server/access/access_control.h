// The tokens that a server accepts.

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

// Parses a token file's text, a v1.TokenList. INVALID_ARGUMENT names `place` and what is wrong, and
// repeats nothing that could be a secret. A list without tokens is an error, because nobody could
// do anything.
absl::StatusOr<TokenTable> ParseTokens(std::string_view text, std::string_view place);

// Identifies callers by their tokens, and reads the token file again when it changes. Thread-safe.
class AccessControl {
 public:
  // Without tokens: everyone may do everything.
  AccessControl() = default;

  // With the tokens of a file. Errors name the file.
  static absl::StatusOr<std::unique_ptr<AccessControl>> Load(std::string path);

  // Whether there are tokens.
  bool has_tokens() const { return !path_.empty(); }

  // The caller with this value of the header `authorization`, which is `Bearer SECRET`; empty: no
  // header. UNAUTHENTICATED says how to send a token.
  absl::StatusOr<Caller> Identify(std::string_view authorization) const;

  // Whether the tokens are unchanged since `caller` was identified or last renewed. Only compares a
  // version, so it may be called often.
  bool IsCurrent(const Caller& caller) const {
    return caller.token_version() == version_.load(std::memory_order_acquire);
  }

  // The same caller with what its token grants now, for long calls. UNAUTHENTICATED if the token no
  // longer exists.
  absl::StatusOr<Caller> Renew(const Caller& caller) const;

  // Reads the file again if it has changed; returns whether the tokens have been replaced. If the
  // file cannot be read or parsed, keeps the old tokens and returns an error, once for each such
  // content.
  absl::StatusOr<bool> Reload();

 private:
  std::string path_;  // Empty: no tokens.
  Published<const TokenTable> tokens_;
  std::atomic<uint64_t> version_{0};  // Incremented after tokens_ is replaced.

  absl::Mutex reload_mu_;  // Held while the file is read, which is rare.
  // The file's text, or why it could not be read.
  std::optional<std::string> last_seen_ ABSL_GUARDED_BY(reload_mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_ACCESS_ACCESS_CONTROL_H_
