// Words that stand for a value that is not there.

#ifndef FRESHET_CORE_FORMAT_MISSING_WORDS_H_
#define FRESHET_CORE_FORMAT_MISSING_WORDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freshet {

// Tells them. Immutable.
class MissingWords {
 public:
  // Words that are given count everywhere, as they are written. Nothing: the usual words count
  // where a number or a time is expected, and nowhere else, as a category may well be called NA.
  explicit MissingWords(std::optional<std::vector<std::string>> given) : given_(std::move(given)) {}

  bool none_given() const { return !given_; }

  // Whether `text` is one of the words that were given. Asked before a value is looked at: -999 may
  // be such a word.
  bool IsGiven(std::string_view text) const { return given_ && IsAmongGiven(text); }

  // Whether `text`, which is no number and no time, is one of the usual words, in any case of
  // letters: NA N/A #N/A <NA> NaN NULL None nil ? - . \N and the like.
  bool IsUsual(std::string_view text) const;

 private:
  bool IsAmongGiven(std::string_view text) const;

  std::optional<std::vector<std::string>> given_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_MISSING_WORDS_H_
