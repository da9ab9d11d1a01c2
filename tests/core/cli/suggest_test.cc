#include "core/cli/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace freshet {
namespace {

std::string Suggested(const std::string& name) {
  static const std::vector<std::string> kNames = {
      "l1",       "l2",       "learning_rate", "learning_rate_decay",
      "rate",     "schedule", "list",          "delete",
      "describe", "--format", "--listen",      "--tls-ca"};
  const std::string text = DidYouMean(name, kNames);
  const size_t begin = text.find('\'');
  return begin == std::string::npos ? "" : text.substr(begin + 1, text.rfind('\'') - begin - 1);
}

TEST(SuggestTest, AnAbbreviationMeansTheNameWithTheseInitials) {
  EXPECT_EQ(Suggested("lr"), "learning_rate");
  EXPECT_EQ(Suggested("lrd"), "learning_rate_decay");
}

TEST(SuggestTest, AShortNameWithAnotherLetterIsAnotherName) {
  EXPECT_EQ(Suggested("l3"), "");
  EXPECT_EQ(Suggested("x2"), "");
  EXPECT_EQ(Suggested("l"), "");
}

TEST(SuggestTest, TyposInLongerNamesAreFound) {
  EXPECT_EQ(Suggested("lsit"), "list");  // Two letters swapped.
  EXPECT_EQ(Suggested("lits"), "list");
  EXPECT_EQ(Suggested("delte"), "delete");
  EXPECT_EQ(Suggested("shcedule"), "schedule");
  EXPECT_EQ(Suggested("learning_rat"), "learning_rate");
}

TEST(SuggestTest, PartsAndOtherSpellingsAreFound) {
  EXPECT_EQ(Suggested("desc"), "describe");
  EXPECT_EQ(Suggested("learning-rate"), "learning_rate");
  EXPECT_EQ(Suggested("Rate"), "rate");
  EXPECT_EQ(Suggested("--frmat"), "--format");
  EXPECT_EQ(Suggested("--listne"), "--listen");
  EXPECT_EQ(Suggested("--tls_ca"), "--tls-ca");
}

TEST(SuggestTest, AmongEquallyNearNamesTheOneThatBeginsAlikeIsMeant) {
  EXPECT_EQ(DidYouMean("rates", {"dates", "rated"}), " (did you mean 'rated'?)");
}

TEST(SuggestTest, NothingNearIsNoSuggestion) {
  EXPECT_EQ(Suggested("banana"), "");
  EXPECT_EQ(Suggested(""), "");
  EXPECT_EQ(Suggested("--"), "");
  EXPECT_EQ(DidYouMean("a", {}), "");
}

TEST(SuggestTest, AValueThatIsNoneOfAFewIsNamedWithAllOfThem) {
  EXPECT_EQ(
      NotOneOf("durability", "fsinc", {"fsync", "os", "none"}),
      "there is no durability 'fsinc' (did you mean 'fsync'?); choose one of fsync, os, none");
}

}  // namespace
}  // namespace freshet
