#include "core/feature/hash.h"

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(MurmurHash3Test, AgreesWithPublishedVectors) {
  EXPECT_EQ(MurmurHash3("", 0), 0u);
  EXPECT_EQ(MurmurHash3("", 1), 0x514e28b7u);
  EXPECT_EQ(MurmurHash3("", 0xffffffff), 0x81f16f39u);
  EXPECT_EQ(MurmurHash3(std::string_view("\0\0\0\0", 4), 0), 0x2362f9deu);
  EXPECT_EQ(MurmurHash3("aaaa", 0x9747b28c), 0x5a97808au);
  EXPECT_EQ(MurmurHash3("aaa", 0x9747b28c), 0x283e0130u);
  EXPECT_EQ(MurmurHash3("aa", 0x9747b28c), 0x5d211726u);
  EXPECT_EQ(MurmurHash3("a", 0x9747b28c), 0x7fa09ea6u);
  EXPECT_EQ(MurmurHash3("Hello, world!", 0x9747b28c), 0x24884cbau);
  EXPECT_EQ(MurmurHash3("The quick brown fox jumps over the lazy dog", 0x9747b28c), 0x2fa826cdu);
}

TEST(MurmurHash3Test, TakesBytesAboveAsciiAsUnsigned) {
  // The test vector with Greek letters from the same list, in UTF-8.
  EXPECT_EQ(
      MurmurHash3("\xcf\x80\xcf\x80\xcf\x80\xcf\x80\xcf\x80\xcf\x80\xcf\x80\xcf\x80", 0x9747b28c),
      0xd58063c1u);
}

TEST(HashNamespaceTest, OfTheDefaultNamespaceIsZero) {
  EXPECT_EQ(HashNamespace(""), 0u);
  EXPECT_EQ(HashNamespace("user"), MurmurHash3("user", 0));
}

TEST(HashFeatureTest, NumbersArePlaces) {
  EXPECT_EQ(HashFeature("17", 0), 17u);
  EXPECT_EQ(HashFeature("0", 100), 100u);
  EXPECT_EQ(HashFeature("4294967297", 5), 6u);  // Modulo 2^32.
}

TEST(HashFeatureTest, OtherNamesAreSeededWithTheNamespace) {
  EXPECT_EQ(HashFeature("red", 7), MurmurHash3("red", 7));
  EXPECT_EQ(HashFeature("1a", 7), MurmurHash3("1a", 7));
  EXPECT_EQ(HashFeature("-1", 7), MurmurHash3("-1", 7));
  EXPECT_EQ(HashFeature("", 7), MurmurHash3("", 7));
}

}  // namespace
}  // namespace freshet
