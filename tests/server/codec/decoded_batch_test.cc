#include "server/codec/decoded_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "core/feature/hash.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Two rows; namespaces "u" (1 feature each) and "v" (2 features, then none).
v1::PackedBatch GoodBatch() {
  v1::PackedBatch batch;
  batch.add_labels(1);
  batch.add_labels(0);
  for (const uint32_t id : {10U, 20U, 21U, 11U}) batch.add_feature_ids(id);
  batch.add_namespaces("u");
  batch.add_namespaces("v");
  for (const uint32_t size : {1U, 2U, 1U, 0U}) batch.add_segment_sizes(size);
  return batch;
}

// Why `batch` is rejected when learning.
v1::BatchError ErrorOf(const v1::PackedBatch& batch, LossKind loss = LossKind::kLogistic,
                       const BatchLimits& limits = {}) {
  DecodedBatch decoded;
  v1::BatchError error;
  EXPECT_FALSE(decoded.Decode(batch, BatchUse::kLearn, loss, limits, error));
  return error;
}

TEST(DecodedBatchTest, ReadsColumnsOfRowsOfUnlikeShape) {
  const v1::PackedBatch batch = GoodBatch();
  DecodedBatch decoded;
  v1::BatchError error;
  ASSERT_TRUE(decoded.Decode(batch, BatchUse::kLearn, LossKind::kLogistic, {}, error))
      << error.message();
  const ExampleBatch& examples = decoded.examples();
  EXPECT_THAT(examples.row_ends, ElementsAre(3, 4));
  EXPECT_THAT(examples.feature_ids, ElementsAre(10, 20, 21, 11));
  EXPECT_THAT(examples.labels, ElementsAre(1, 0));
  EXPECT_TRUE(examples.values.empty());
  EXPECT_THAT(examples.namespace_hashes, ElementsAre(HashNamespace("u"), HashNamespace("v")));
}

TEST(DecodedBatchTest, OneShapeServesAllRows) {
  v1::PackedBatch batch = GoodBatch();
  batch.clear_segment_sizes();
  batch.add_segment_sizes(1);
  batch.add_segment_sizes(1);
  DecodedBatch decoded;
  v1::BatchError error;
  ASSERT_TRUE(decoded.Decode(batch, BatchUse::kLearn, LossKind::kLogistic, {}, error));
  EXPECT_THAT(decoded.examples().row_ends, ElementsAre(2, 4));
}

TEST(DecodedBatchTest, SegmentSizesThatOverflowAreRejected) {
  v1::PackedBatch batch = GoodBatch();
  batch.clear_segment_sizes();
  // The sum of one row is 2^32 + 2, which is 2 in 32 bits.
  batch.add_segment_sizes(UINT32_MAX);
  batch.add_segment_sizes(3);
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("do not add up"));
}

TEST(DecodedBatchTest, EmptyBatchIsRejected) {
  EXPECT_THAT(ErrorOf(v1::PackedBatch()).message(), HasSubstr("the batch is empty"));
}

// Without row_count, such a batch used to be called empty.
TEST(DecodedBatchTest, APackedBatchToLearnFromNeedsItsLabels) {
  v1::PackedBatch batch = GoodBatch();
  batch.clear_labels();
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("labels is missing"));
  batch.set_row_count(2);
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("labels is missing"));
  DecodedBatch predicting;
  v1::BatchError error;
  EXPECT_TRUE(predicting.Decode(batch, BatchUse::kPredict, LossKind::kLogistic, {}, error));
}

TEST(DecodedBatchTest, ColumnsOfUnlikeLengthAreRejectedByName) {
  v1::PackedBatch batch = GoodBatch();
  batch.add_values(1);
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("values has 1 numbers for 4 feature_ids"));

  batch = GoodBatch();
  batch.add_weights(1);
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("weights has 1 numbers for 2 rows"));

  batch = GoodBatch();
  batch.set_row_count(3);
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("labels has 2 numbers for 3 rows"));
  batch.set_row_count(1);
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("labels has 2 numbers for 1 rows"));

  batch = GoodBatch();
  batch.add_segment_sizes(0);
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("segment_sizes has 5 numbers"));

  batch = GoodBatch();
  batch.clear_namespaces();
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("namespaces has 0 names"));

  batch = GoodBatch();
  batch.set_namespaces(1, "u");
  EXPECT_THAT(ErrorOf(batch).message(), HasSubstr("\"u\" twice"));
}

TEST(DecodedBatchTest, NamesOfNoNamespaceAreRejected) {
  v1::PackedBatch batch = GoodBatch();
  batch.add_names()->set_namespace_index(1);
  DecodedBatch decoded;
  v1::BatchError error;
  EXPECT_TRUE(decoded.Decode(batch, BatchUse::kLearn, LossKind::kLogistic, {}, error));
  batch.add_names()->set_namespace_index(2);
  EXPECT_THAT(ErrorOf(batch).message(),
              HasSubstr("names[1].namespace_index is 2; there are 2 namespaces"));
}

TEST(DecodedBatchTest, BadNumbersAreReportedByRowFieldAndReason) {
  v1::PackedBatch batch = GoodBatch();
  for (const float value : {1.0f, 2.0f, 3.0f, kNan}) batch.add_values(value);
  v1::BatchError error = ErrorOf(batch);
  ASSERT_EQ(error.rows_size(), 1);
  EXPECT_EQ(error.rows(0).row(), 1U);
  EXPECT_EQ(error.rows(0).field(), "values[3]");
  EXPECT_THAT(error.rows(0).reason(), HasSubstr("nan"));
  EXPECT_EQ(error.code(), 3);

  batch = GoodBatch();
  batch.set_labels(0, 0.5f);
  error = ErrorOf(batch);
  EXPECT_EQ(error.rows(0).field(), "label");
  EXPECT_THAT(error.rows(0).reason(), HasSubstr("0.5; logistic loss takes"));

  batch = GoodBatch();
  batch.add_weights(1);
  batch.add_weights(-1);
  error = ErrorOf(batch);
  EXPECT_EQ(error.rows(0).row(), 1U);
  EXPECT_EQ(error.rows(0).field(), "weight");
}

TEST(DecodedBatchTest, SquaredLossTakesAnyFiniteLabel) {
  v1::PackedBatch batch = GoodBatch();
  batch.set_labels(0, -17.5f);
  DecodedBatch decoded;
  v1::BatchError error;
  EXPECT_TRUE(decoded.Decode(batch, BatchUse::kLearn, LossKind::kSquared, {}, error));
  batch.set_labels(0, kInfinity);
  EXPECT_EQ(ErrorOf(batch, LossKind::kSquared).rows(0).field(), "label");
}

TEST(DecodedBatchTest, LabelsAreThoseOfTheLoss) {
  v1::PackedBatch batch = GoodBatch();
  DecodedBatch decoded;
  v1::BatchError error;
  batch.set_labels(0, 2.5f);
  EXPECT_TRUE(decoded.Decode(batch, BatchUse::kLearn, LossKind::kPoisson, {}, error));
  EXPECT_TRUE(decoded.Decode(batch, BatchUse::kLearn, LossKind::kQuantile, {}, error));
  EXPECT_THAT(ErrorOf(batch, LossKind::kHinge).rows(0).reason(), HasSubstr("hinge loss takes"));
  batch.set_labels(0, -1);
  EXPECT_TRUE(decoded.Decode(batch, BatchUse::kLearn, LossKind::kHinge, {}, error));
  EXPECT_TRUE(decoded.Decode(batch, BatchUse::kLearn, LossKind::kQuantile, {}, error));
  EXPECT_THAT(ErrorOf(batch, LossKind::kPoisson).rows(0).reason(), HasSubstr("takes counts"));
}

TEST(DecodedBatchTest, ManyBadRowsAreCountedAndTheFirstNamed) {
  v1::PackedBatch batch;
  batch.add_namespaces("");
  batch.add_segment_sizes(0);
  for (int i = 0; i < 100; ++i) batch.add_labels(7);
  const v1::BatchError error = ErrorOf(batch);
  EXPECT_EQ(error.rows_size(), 16);
  EXPECT_EQ(error.bad_row_count(), 100U);
  EXPECT_THAT(error.message(), HasSubstr("and 99 more bad rows"));
}

TEST(DecodedBatchTest, LimitsAreNamedInTheError) {
  EXPECT_THAT(ErrorOf(GoodBatch(), LossKind::kLogistic, {.max_examples = 1}).message(),
              HasSubstr("limits.max_batch_examples"));
  const v1::BatchError error =
      ErrorOf(GoodBatch(), LossKind::kLogistic, {.max_example_features = 2});
  EXPECT_EQ(error.rows(0).row(), 0U);
  EXPECT_THAT(error.rows(0).reason(), HasSubstr("limits.max_example_features"));
}

TEST(DecodedBatchTest, ReadableExamplesMeanTheSameAsPackedOnes) {
  v1::ExampleList list;
  v1::Example& example = *list.add_examples();
  example.set_label(1);
  v1::Namespace& user = *example.add_namespaces();
  user.set_name("user");
  user.add_features()->set_name("u42");
  v1::Feature& age = *user.add_features();
  age.set_name("age");
  age.set_value(0.5f);
  v1::Feature& nothing = *user.add_features();
  nothing.set_name("nothing");
  nothing.set_value(0);
  DecodedBatch decoded;
  v1::BatchError error;
  ASSERT_TRUE(decoded.Decode(list, BatchUse::kLearn, LossKind::kLogistic, {}, error));
  const uint32_t seed = HashNamespace("user");
  EXPECT_THAT(decoded.examples().feature_ids,
              ElementsAre(HashFeature("u42", seed), HashFeature("age", seed)));
  EXPECT_THAT(decoded.examples().values, ElementsAre(1, 0.5f));
}

// Rows without a label were learned as negative.
TEST(DecodedBatchTest, AReadableExampleWithoutALabelIsABadRowWhenLearning) {
  v1::ExampleList list;
  list.add_examples()->set_label(0);
  list.add_examples()->add_namespaces()->add_features()->set_name("ann");
  list.add_examples()->set_label(1);
  v1::Example& last = *list.add_examples();
  last.set_weight(-1);
  for (const LossKind loss : {LossKind::kLogistic, LossKind::kSquared, LossKind::kPoisson}) {
    DecodedBatch decoded;
    v1::BatchError error;
    EXPECT_FALSE(decoded.Decode(list, BatchUse::kLearn, loss, {}, error));
    EXPECT_EQ(error.code(), 3);
    ASSERT_EQ(error.rows_size(), 2);
    EXPECT_EQ(error.rows(0).row(), 1U);
    EXPECT_EQ(error.rows(0).field(), "label");
    EXPECT_THAT(error.rows(0).reason(), HasSubstr("is missing"));
    EXPECT_EQ(error.rows(1).row(), 3U);
    EXPECT_EQ(error.rows(1).field(), "label");
  }
  DecodedBatch predicting;
  v1::BatchError error;
  EXPECT_TRUE(predicting.Decode(list, BatchUse::kPredict, LossKind::kLogistic, {}, error));
}

// Logs that were written before hold such rows; they were learned as 0 and must be again.
TEST(DecodedBatchTest, AnAbsentLabelInALogIs0) {
  v1::ExampleList list;
  list.add_examples()->add_namespaces()->add_features()->set_name("ann");
  DecodedBatch decoded;
  v1::BatchError error;
  ASSERT_TRUE(decoded.Decode(list, BatchUse::kLearn, LossKind::kLogistic, {.label_required = false},
                             error));
  EXPECT_THAT(decoded.examples().labels, ElementsAre(0));
}

TEST(DecodedBatchTest, ReadableExamplesWithTooManyNamespacesAreRejected) {
  v1::ExampleList list;
  for (int i = 0; i < 2000; ++i) {
    list.add_examples()->add_namespaces()->set_name("n" + std::to_string(i));
  }
  DecodedBatch decoded;
  v1::BatchError error;
  EXPECT_FALSE(decoded.Decode(list, BatchUse::kLearn, LossKind::kLogistic, {}, error));
  EXPECT_EQ(error.code(), 8);
  EXPECT_THAT(error.message(), HasSubstr("different namespaces"));
}

TEST(DecodedBatchTest, PredictingNeedsNoLabelsAndIgnoresBadOnes) {
  v1::PackedBatch batch = GoodBatch();
  batch.set_labels(0, kNan);
  DecodedBatch with_labels;
  v1::BatchError error;
  EXPECT_TRUE(with_labels.Decode(batch, BatchUse::kPredict, LossKind::kLogistic, {}, error));
  batch.clear_labels();
  batch.set_row_count(2);
  DecodedBatch without;
  EXPECT_TRUE(without.Decode(batch, BatchUse::kPredict, LossKind::kLogistic, {}, error));
  EXPECT_EQ(without.examples().size(), 2U);
}

TEST(DecodedBatchTest, RejectsAnExampleOfWhichTooManyFeaturesAreMade) {
  FeatureOptions options;
  options.interactions = {{{"v", "v", "v"}}};
  const FeatureExpander expander(options);
  v1::PackedBatch batch = GoodBatch();
  batch.clear_feature_ids();
  for (uint32_t i = 0; i < 1 + 70 + 1 + 80; ++i) batch.add_feature_ids(i);
  batch.set_segment_sizes(1, 70);
  batch.set_segment_sizes(3, 80);
  const v1::BatchError error = ErrorOf(batch, LossKind::kLogistic, {.expander = &expander});
  ASSERT_EQ(error.rows_size(), 1);  // 80 * 81 * 82 / 6 is too many, 70 * 71 * 72 / 6 is not.
  EXPECT_EQ(error.rows(0).row(), 1U);
  EXPECT_EQ(error.rows(0).field(), "features");
  EXPECT_THAT(error.rows(0).reason(), HasSubstr("65536"));
}

// It may take long: a few features become many.
TEST(DecodedBatchTest, CountsWhatIsMadeOfRowsPartByPart) {
  FeatureOptions options;
  options.interactions = {{{"v", "v"}}};
  const FeatureExpander expander(options);
  v1::PackedBatch batch = GoodBatch();
  batch.clear_feature_ids();
  for (uint32_t i = 0; i < 1 + 70 + 1 + 80; ++i) batch.add_feature_ids(i);
  batch.set_segment_sizes(1, 70);
  batch.set_segment_sizes(3, 80);
  DecodedBatch decoded;
  v1::BatchError error;
  ASSERT_TRUE(decoded.Decode(batch, BatchUse::kPredict, LossKind::kLogistic, {}, error));
  EXPECT_EQ(decoded.CountFeatures(&expander, 1, error), DecodedBatch::Counting::kUnfinished);
  EXPECT_EQ(decoded.CountFeatures(&expander, 1, error), DecodedBatch::Counting::kGood);
  EXPECT_EQ(decoded.RowFeatures(0), 71 + 70 * 71 / 2U);
  EXPECT_EQ(decoded.RowFeatures(1), 81 + 80 * 81 / 2U);
  EXPECT_EQ(decoded.feature_count(), decoded.RowFeatures(0) + decoded.RowFeatures(1));
}

TEST(DecodedBatchTest, CountsFeaturesAsTheyCameWhereNoneAreMade) {
  const v1::PackedBatch batch = GoodBatch();
  DecodedBatch decoded;
  v1::BatchError error;
  ASSERT_TRUE(decoded.Decode(batch, BatchUse::kPredict, LossKind::kLogistic, {}, error));
  EXPECT_EQ(decoded.CountFeatures(nullptr, 1, error), DecodedBatch::Counting::kGood);
  EXPECT_EQ(decoded.RowFeatures(0), 3U);
  EXPECT_EQ(decoded.RowFeatures(1), 1U);
  EXPECT_EQ(decoded.feature_count(), 4U);
}

TEST(DecodedBatchTest, CountingNamesTheRowsOfWhichTooManyAreMade) {
  FeatureOptions options;
  options.interactions = {{{"v", "v", "v"}}};
  const FeatureExpander expander(options);
  v1::PackedBatch batch = GoodBatch();
  batch.clear_feature_ids();
  for (uint32_t i = 0; i < 1 + 80 + 1 + 70; ++i) batch.add_feature_ids(i);
  batch.set_segment_sizes(1, 80);
  batch.set_segment_sizes(3, 70);
  DecodedBatch decoded;
  v1::BatchError error;
  ASSERT_TRUE(decoded.Decode(batch, BatchUse::kPredict, LossKind::kLogistic, {}, error));
  EXPECT_EQ(decoded.CountFeatures(&expander, UINT64_MAX, error), DecodedBatch::Counting::kBad);
  ASSERT_EQ(error.rows_size(), 1);
  EXPECT_EQ(error.rows(0).row(), 0U);
  EXPECT_THAT(error.rows(0).reason(), HasSubstr("65536"));
}

}  // namespace
}  // namespace freshet
