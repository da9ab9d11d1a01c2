#include "server/http/json_lists.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Protobuf's parser accepts no deeper nesting.
constexpr size_t kMaxDepth = 100;
constexpr size_t kMaxShownKeyBytes = 64;

// An object or a list whose end has not been reached.
struct Level {
  bool is_list = false;
  bool at_key = false;   // In an object: the next token is a key.
  std::string_view key;  // In an object: the key of the current member.
  size_t index = 0;      // In a list: the index of the current element.
};

// The key as shown in a message. Keys are untrusted and messages go to logs and terminals, so only
// printable ASCII is shown.
std::string ShownKey(std::string_view key) {
  const bool plain =
      std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
  return std::string(plain ? key.substr(0, kMaxShownKeyBytes) : "?");
}

std::string PathOf(const std::vector<Level>& levels) {
  std::string path;
  for (const Level& level : levels) {
    if (level.is_list) {
      path += StrCat("[", level.index, "]");
    } else {
      path += StrCat(path.empty() ? "" : ".", ShownKey(level.key));
    }
  }
  return path;
}

// The string that starts at `begin`, with its quotes. Protobuf's parser accepts single and double
// quotes.
std::string_view StringAt(std::string_view json, size_t begin) {
  size_t end = begin + 1;
  while (end < json.size() && json[end] != json[begin]) end += json[end] == '\\' ? 2 : 1;
  return json.substr(begin, end + 1 - begin);
}

// A number, true, false, null, or a key without quotes.
std::string_view WordAt(std::string_view json, size_t begin) {
  return json.substr(begin, json.find_first_of(" \t\r\n,:{}[]\"'", begin + 1) - begin);
}

}  // namespace

absl::Status CheckJsonLists(std::string_view json) {
  std::vector<Level> levels;
  for (size_t i = 0; i < json.size();) {
    const char c = json[i];
    Level* const level = levels.empty() ? nullptr : &levels.back();
    size_t length = 1;
    if (c == '[' || c == '{') {
      if (c == '[' && level != nullptr && level->is_list) {
        return absl::InvalidArgumentError(
            StrCat(PathOf(levels), " is a list within a list; write one list"));
      }
      if (levels.size() == kMaxDepth) return absl::OkStatus();
      levels.push_back({.is_list = c == '[', .at_key = c == '{', .key = {}, .index = 0});
    } else if (c == ']' || c == '}') {
      if (level == nullptr) return absl::OkStatus();
      levels.pop_back();
    } else if (c == ',' && level != nullptr) {
      level->at_key = !level->is_list;
      ++level->index;
    } else if (c == ':' && level != nullptr) {
      level->at_key = false;
    } else if (c == '"' || c == '\'') {
      const std::string_view text = StringAt(json, i);
      length = text.size();
      if (level != nullptr && level->at_key) {
        level->key = text.substr(1, length < 2 ? 0 : length - 2);
      }
    } else if (c > ' ') {
      const std::string_view word = WordAt(json, i);
      length = word.size();
      if (level != nullptr && level->at_key) level->key = word;
      if (level != nullptr && level->is_list && word == "null") {
        return absl::InvalidArgumentError(StrCat(PathOf(levels), " is null; leave it out"));
      }
    }
    i += length;
  }
  return absl::OkStatus();
}

}  // namespace freshet
