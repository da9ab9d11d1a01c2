#include "server/access/secret.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Lets secret scanners and people recognize a leaked secret.
constexpr std::string_view kPrefix = "freshet_";

constexpr size_t kSecretBytes = 32;

}  // namespace

absl::StatusOr<std::string> NewSecret() {
  std::array<char, kSecretBytes> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return absl::InternalError(
        StrCat("cannot read random bytes from the system: ", std::strerror(errno)));
  }
  std::string text;
  absl::WebSafeBase64Escape({bytes.data(), bytes.size()}, &text);
  return StrCat(kPrefix, text);
}

SecretDigest DigestOf(std::string_view secret) {
  SecretDigest digest;
  SHA256(reinterpret_cast<const uint8_t*>(secret.data()), secret.size(), digest.data());
  return digest;
}

std::string ToHex(const SecretDigest& digest) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::optional<SecretDigest> DigestFromHex(std::string_view text) {
  SecretDigest digest;
  const auto is_digit = [](char c) { return absl::ascii_isxdigit(static_cast<uint8_t>(c)); };
  if (text.size() != 2 * digest.size() || !std::all_of(text.begin(), text.end(), is_digit)) {
    return std::nullopt;
  }
  const std::string bytes = absl::HexStringToBytes(ToAbsl(text));
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

bool EqualInConstantTime(const SecretDigest& a, const SecretDigest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace freshet
