// Splits text into words.

#ifndef FRESHET_CORE_FORMAT_TEXT_WORDS_H_
#define FRESHET_CORE_FORMAT_TEXT_WORDS_H_

#include <string>
#include <string_view>

namespace freshet {

// Yields the words of a text in their order and in lower case: runs of letters, marks, digits and
// underscores, as Unicode classes them. An apostrophe between letters belongs to its word, as in
// "don't". Reuses its buffer from text to text. Not thread-safe.
//
//   TextWords words;
//   words.Begin("Don't PANIC, it's 42.");
//   std::string_view word;
//   while (words.Next(word)) ...  // don't, panic, it's, 42
class TextWords {
 public:
  // `text` must be UTF-8 and outlive the calls of Next().
  void Begin(std::string_view text) { rest_ = text; }

  // Sets `word` to the next word, which is valid until the next call; false at the end.
  bool Next(std::string_view& word);

 private:
  // The first character of rest_, and its size in bytes; {0, 0} at the end.
  struct Character {
    int code;
    size_t size;
  };
  Character First(std::string_view text) const;

  std::string_view rest_;
  std::string word_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_TEXT_WORDS_H_
