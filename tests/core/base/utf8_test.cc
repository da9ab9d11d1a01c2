#include "core/base/utf8.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(Utf8Test, TakesWellFormedText) {
  for (const std::string_view text :
       {"", "plain", "größe", "日本", "🙂", "\x7f", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
}

TEST(Utf8Test, RefusesEverythingElse) {
  for (const std::string_view text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xe2\x82",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x99", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff", "a\xe9z"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Utf8Test, TellsAnywhereInText) {
  for (size_t size = 1; size < 40; ++size) {
    for (size_t i = 0; i < size; ++i) {
      std::string text(size, 'a');
      text[i] = '\xe9';
      EXPECT_FALSE(IsUtf8(text)) << size << " " << i;
      text.replace(i, 1, "é");
      EXPECT_TRUE(IsUtf8(text)) << size << " " << i;
    }
  }
}

TEST(Utf8Test, CutsBetweenCharacters) {
  EXPECT_EQ(Utf8Prefix("plain", 9), "plain");
  EXPECT_EQ(Utf8Prefix("plain", 5), "plain");
  EXPECT_EQ(Utf8Prefix("plain", 2), "pl");
  EXPECT_EQ(Utf8Prefix("größe", 3), "gr");
  EXPECT_EQ(Utf8Prefix("größe", 4), "grö");
  EXPECT_EQ(Utf8Prefix("🙂", 3), "");
  EXPECT_EQ(Utf8Prefix("🙂", 0), "");
}

}  // namespace
}  // namespace freshet
