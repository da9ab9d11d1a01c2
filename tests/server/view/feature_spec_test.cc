#include "server/view/feature_spec.h"

#include <functional>
#include <string>

#include "freshet/v1/learner.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

using testing::HasSubstr;

v1::LearnerSpec SpecWith(const std::function<void(v1::FeatureSpec&)>& change) {
  v1::LearnerSpec spec;
  spec.set_loss(v1::LOSS_LOGISTIC);
  change(*spec.mutable_features());
  return spec;
}

std::string ErrorOf(const std::function<void(v1::FeatureSpec&)>& change) {
  const absl::Status status = ResolveLearnerSpec(SpecWith(change)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(FeatureSpecTest, DefaultsAreFilledInAndEverythingBecomesOptions) {
  const v1::LearnerSpec resolved = ResolveLearnerSpec(SpecWith([](v1::FeatureSpec& spec) {
                                     v1::Interaction& pair = *spec.add_interactions();
                                     pair.add_namespaces("user");
                                     pair.add_namespaces("*");
                                     v1::NumericTransform& bins = *spec.add_numerics();
                                     bins.set_namespace_("age");
                                     bins.set_kind(v1::NumericTransform::KIND_QUANTILE_BINS);
                                     v1::NumericTransform& others = *spec.add_numerics();
                                     others.set_namespace_("*");
                                     others.set_kind(v1::NumericTransform::KIND_STANDARDIZE);
                                     v1::Ngrams& ngrams = *spec.add_ngrams();
                                     ngrams.set_namespace_("title");
                                     ngrams.set_length(3);
                                     ngrams.set_skips(1);
                                     spec.set_admit_after(3);
                                     spec.set_expire_after_examples(5000);
                                   })).value();
  EXPECT_EQ(resolved.features().numerics(0).bins(), 16U);
  EXPECT_EQ(resolved.features().numerics(1).bins(), 0U);
  const FeatureOptions options = FeatureOptionsOf(resolved.features());
  EXPECT_EQ(options.interactions[0].namespaces, (std::vector<std::string>{"user", "*"}));
  EXPECT_EQ(options.numerics[0].kind, NumericKind::kQuantileBins);
  EXPECT_EQ(options.numerics[0].bins, 16U);
  EXPECT_EQ(options.numerics[1].kind, NumericKind::kStandardize);
  EXPECT_EQ(options.ngrams[0].length, 3U);
  EXPECT_EQ(options.ngrams[0].skips, 1U);
  EXPECT_EQ(options.admit_after, 3U);
  EXPECT_EQ(options.expire_after_examples, 5000U);
  EXPECT_TRUE(MakeLearner(resolved).ok());
}

TEST(FeatureSpecTest, MistakesAreNamedByTheirField) {
  EXPECT_THAT(ErrorOf([](v1::FeatureSpec& spec) {
                for (int i = 0; i < 3; ++i) spec.add_interactions()->add_namespaces("a");
                for (int i = 0; i < 2; ++i) spec.mutable_interactions(i)->add_namespaces("b");
              }),
              HasSubstr("features.interactions[2].namespaces has 1 names; it must have 2 to 4"));
  EXPECT_THAT(ErrorOf([](v1::FeatureSpec& spec) {
                for (int i = 0; i < 5; ++i) {
                  if (i == 0) spec.add_interactions();
                  spec.mutable_interactions(0)->add_namespaces("a");
                }
              }),
              HasSubstr("features.interactions[0].namespaces has 5 names"));
  EXPECT_THAT(ErrorOf([](v1::FeatureSpec& spec) {
                for (int i = 0; i < 101; ++i) {
                  v1::NumericTransform& numeric = *spec.add_numerics();
                  numeric.set_namespace_(std::to_string(i));
                  numeric.set_kind(v1::NumericTransform::KIND_RAW);
                }
              }),
              HasSubstr("features.numerics has 101 entries; it may have 100"));
  EXPECT_THAT(ErrorOf([](v1::FeatureSpec& spec) { spec.add_numerics()->set_namespace_("a"); }),
              HasSubstr("features.numerics[0].kind is 0"));
  const auto numeric = [](v1::NumericTransform::Kind kind, uint32_t bins) {
    return [=](v1::FeatureSpec& spec) {
      spec.add_numerics()->set_kind(kind);
      spec.mutable_numerics(0)->set_bins(bins);
    };
  };
  EXPECT_THAT(ErrorOf(numeric(v1::NumericTransform::KIND_QUANTILE_BINS, 257)),
              HasSubstr("features.numerics[0].bins is 257; it must be 2 to 256"));
  EXPECT_THAT(ErrorOf(numeric(v1::NumericTransform::KIND_LOG_BINS, 3)),
              HasSubstr("features.numerics[0].bins is set, but has no part in KIND_LOG_BINS"));
  EXPECT_THAT(ErrorOf([](v1::FeatureSpec& spec) {
                for (int i = 0; i < 2; ++i) {
                  v1::NumericTransform& both = *spec.add_numerics();
                  both.set_namespace_("age");
                  both.set_kind(v1::NumericTransform::KIND_RAW);
                }
              }),
              HasSubstr("features.numerics[1].namespace is \"age\""));
  const auto ngrams = [](uint32_t length, uint32_t skips) {
    return [=](v1::FeatureSpec& spec) {
      spec.add_ngrams()->set_length(length);
      spec.mutable_ngrams(0)->set_skips(skips);
    };
  };
  EXPECT_THAT(ErrorOf(ngrams(1, 0)),
              HasSubstr("features.ngrams[0].length is 1; it must be 2 to 8"));
  EXPECT_THAT(ErrorOf(ngrams(2, 9)), HasSubstr("features.ngrams[0].skips is 9"));
  EXPECT_THAT(ErrorOf([](v1::FeatureSpec& spec) { spec.set_admit_after(128); }),
              HasSubstr("features.admit_after is 128; it must be at least 0 and at most 127"));
  EXPECT_THAT(ErrorOf([](v1::FeatureSpec& spec) { spec.set_expire_after_examples(999); }),
              HasSubstr("features.expire_after_examples is 999; it must be 0 or at least 1000"));
}

}  // namespace
}  // namespace freshet
