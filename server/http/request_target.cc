#include "server/http/request_target.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// The value of a hexadecimal digit; -1 for any other character.
int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsForbidden(char c) { return c == '\0' || c == '\r' || c == '\n'; }

enum class Part { kPath, kQuery };

std::optional<std::string> Decode(std::string_view text, Part part) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = DigitOf(text[i + 1]);
      const int low = DigitOf(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if ((c == '/' || c == '%') && part == Part::kPath) {
        decoded += c == '/' ? "%2F" : "%25";
        continue;
      }
    } else if (c == '+' && part == Part::kQuery) {
      c = ' ';
    }
    if (IsForbidden(c)) return std::nullopt;
    decoded += c;
  }
  return decoded;
}

bool ParseQuery(std::string_view text, std::multimap<std::string, std::string>& query) {
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    std::optional<std::string> name = Decode(pair.substr(0, equals), Part::kQuery);
    std::optional<std::string> value =
        Decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), Part::kQuery);
    if (!name || !value) return false;
    query.emplace(*std::move(name), *std::move(value));
  }
  return true;
}

// Removes the scheme and the authority from the front of a target. False if it does not begin with
// them.
bool TakeAuthority(std::string_view& text, std::string& authority) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!absl::StartsWithIgnoreCase(ToAbsl(text), ToAbsl(scheme))) continue;
    text.remove_prefix(scheme.size());
    const size_t end = text.find_first_of("/?");
    authority = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end);
    return !authority.empty();
  }
  return false;
}

}  // namespace

std::string DecodePart(std::string_view part) {
  return absl::StrReplaceAll(ToAbsl(part), {{"%2F", "/"}, {"%25", "%"}});
}

std::optional<RequestTarget> ParseTarget(std::string_view text) {
  RequestTarget target;
  if (text == "*") {  // Stands for the server as a whole, which has no page.
    target.path = text;
    return target;
  }
  if (!text.starts_with('/') && !TakeAuthority(text, target.authority)) return std::nullopt;
  text = text.substr(0, text.find('#'));
  const size_t question = text.find('?');
  const std::string_view path = text.substr(0, question);
  std::optional<std::string> decoded = Decode(path.empty() ? "/" : path, Part::kPath);
  if (!decoded) return std::nullopt;
  target.path = *std::move(decoded);
  if (question != std::string_view::npos && !ParseQuery(text.substr(question + 1), target.query)) {
    return std::nullopt;
  }
  return target;
}

}  // namespace freshet
