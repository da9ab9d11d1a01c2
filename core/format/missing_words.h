// Recognises words that stand for a missing value.

#ifndef FRESHET_CORE_FORMAT_MISSING_WORDS_H_
#define FRESHET_CORE_FORMAT_MISSING_WORDS_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freshet {

// Immutable, so thread-safe.
class MissingWords {
 public:
  // The words in `given` count everywhere, exactly as they are written. Without them, the usual
  // words count, but only where a number or a time is expected, because a category may really be
  // called NA.
  explicit MissingWords(std::optional<std::vector<std::string>> given) : given_(std::move(given)) {}

  bool none_given() const { return !given_; }

  // Whether `text` is one of the given words. Call this before parsing a value, because a number
  // such as -999 may be one of them.
  bool IsGiven(std::string_view text) const { return given_ && IsAmongGiven(text); }

  // Whether `text`, which is neither a number nor a time, is one of the usual words, ignoring case:
  // NA N/A #N/A <NA> NaN NULL None nil ? - . \N and the like. False if words were given.
  bool IsUsual(std::string_view text) const;

  static std::span<const std::string_view> UsualWords();

 private:
  bool IsAmongGiven(std::string_view text) const;

  std::optional<std::vector<std::string>> given_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_MISSING_WORDS_H_
