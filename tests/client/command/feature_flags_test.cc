#include "client/command/feature_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The error for one value of one flag.
std::string ErrorOf(std::vector<std::string> FeatureFlags::*flag, const std::string& value) {
  FeatureFlags flags;
  (flags.*flag).push_back(value);
  const absl::Status status = MakeFeatureSpec(flags).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(FeatureFlagsTest, BecomeASpecAndComeBackAsTheyWereGiven) {
  const FeatureFlags flags = {
      .interactions = {"user*ad", ":*:", "user*:*hour", "*x"},
      .numerics = {"*=standardize", "age=quantile-bins:32", "price=log-bins", "a=b=raw"},
      .ngrams = {"title:2", "body:3:1"},
      .admit_after = 3,
      .expire_after = 100'000,
  };
  const v1::FeatureSpec spec = MakeFeatureSpec(flags).value();
  ASSERT_EQ(spec.interactions_size(), 4);
  EXPECT_THAT(spec.interactions(0).namespaces(), ElementsAre("user", "ad"));
  EXPECT_THAT(spec.interactions(1).namespaces(), ElementsAre("*", "*"));
  EXPECT_THAT(spec.interactions(2).namespaces(), ElementsAre("user", "*", "hour"));
  EXPECT_THAT(spec.interactions(3).namespaces(), ElementsAre("", "x"));
  EXPECT_EQ(spec.numerics(0).namespace_(), "*");
  EXPECT_EQ(spec.numerics(0).kind(), v1::NumericTransform::KIND_STANDARDIZE);
  EXPECT_EQ(spec.numerics(1).bins(), 32U);
  EXPECT_EQ(spec.numerics(3).namespace_(), "a=b");
  EXPECT_EQ(spec.ngrams(1).length(), 3U);
  EXPECT_EQ(spec.ngrams(1).skips(), 1U);
  const FeatureFlags back = FlagsOf(spec);
  EXPECT_EQ(back.interactions, flags.interactions);
  EXPECT_EQ(back.numerics, flags.numerics);
  EXPECT_EQ(back.ngrams, flags.ngrams);
  EXPECT_EQ(back.admit_after, 3U);
  EXPECT_EQ(back.expire_after, 100'000U);
}

TEST(FeatureFlagsTest, MistakesAreNamedWithTheWayToWriteIt) {
  for (const char* text : {"user", "*", "user**", "**"}) {
    EXPECT_THAT(ErrorOf(&FeatureFlags::interactions, text), HasSubstr("user*ad")) << text;
  }
  EXPECT_THAT(ErrorOf(&FeatureFlags::numerics, "age"), HasSubstr("age=standardize"));
  EXPECT_THAT(ErrorOf(&FeatureFlags::numerics, "age=standardise"),
              HasSubstr("did you mean 'standardize'"));
  EXPECT_THAT(ErrorOf(&FeatureFlags::numerics, "age=quantile-bins:many"),
              HasSubstr("number of bins"));
  EXPECT_THAT(ErrorOf(&FeatureFlags::numerics, "age=unspecified"), HasSubstr("choose one of"));
  for (const char* text : {"title", "title:", "title:x", "title:2:3:4", "title:2:"}) {
    EXPECT_THAT(ErrorOf(&FeatureFlags::ngrams, text), HasSubstr("title:2")) << text;
  }
}

}  // namespace
}  // namespace freshet
