#include "core/format/text_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> WordsOf(std::string_view text) {
  TextWords words;
  words.Begin(text);
  std::vector<std::string> out;
  for (std::string_view word; words.Next(word);) out.emplace_back(word);
  return out;
}

TEST(TextWordsTest, SplitsAtWhatIsNeitherLetterNorDigit) {
  EXPECT_THAT(WordsOf("Don't PANIC, it's 42."), ElementsAre("don't", "panic", "it's", "42"));
  EXPECT_THAT(WordsOf("'quoted' rock'n'roll users' "),
              ElementsAre("quoted", "rock'n'roll", "users"));
  EXPECT_THAT(WordsOf("snake_case a-b"), ElementsAre("snake_case", "a", "b"));
  EXPECT_THAT(WordsOf(""), IsEmpty());
  EXPECT_THAT(WordsOf(" .,;- "), IsEmpty());
}

TEST(TextWordsTest, KnowsLettersOfAllScripts) {
  EXPECT_THAT(WordsOf("ÄRGER über Straße"), ElementsAre("ärger", "über", "straße"));
  EXPECT_THAT(WordsOf("Привет, МИР!"), ElementsAre("привет", "мир"));
  EXPECT_THAT(WordsOf("東京、大阪"), ElementsAre("東京", "大阪"));
  EXPECT_THAT(WordsOf("it’s"), ElementsAre("it's"));
}

}  // namespace
}  // namespace freshet
