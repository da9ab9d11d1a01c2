#include "core/feature/example_batch.h"

#include <cstdint>
#include <vector>

#include "core/feature/hash.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ExampleBatchBuilderTest, GroupsFeaturesByNamespaceInTheOrderNamespacesCame) {
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 2);
  const size_t user = builder.Namespace("user");
  const size_t item = builder.Namespace("item");
  builder.AddFeature(user, 1, 1);
  builder.AddFeature(item, 2, 0.5f);
  builder.AddFeature(user, 3, 1);
  builder.EndRow();

  const ExampleBatch batch = builder.View();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_THAT(batch.feature_ids, ElementsAre(1, 3, 2));
  EXPECT_THAT(batch.values, ElementsAre(1, 1, 0.5f));
  EXPECT_THAT(batch.segment_sizes, ElementsAre(2, 1));
  EXPECT_THAT(batch.namespace_hashes, ElementsAre(HashNamespace("user"), HashNamespace("item")));
  EXPECT_THAT(batch.labels, ElementsAre(1));
  EXPECT_EQ(batch.Weight(0), 2);
}

TEST(ExampleBatchBuilderTest, LeavesOutValuesAndWeightsThatAreAllOne) {
  ExampleBatchBuilder builder;
  for (uint32_t row = 0; row < 3; ++row) {
    builder.BeginRow(-1, 1);
    builder.AddFeature(builder.Namespace(""), row, 1);
    builder.EndRow();
  }
  const ExampleBatch batch = builder.View();
  EXPECT_THAT(batch.values, IsEmpty());
  EXPECT_THAT(batch.weights, IsEmpty());
  EXPECT_TRUE(builder.all_values_one());
  EXPECT_EQ(batch.Weight(2), 1);
  EXPECT_EQ(batch.RowBegin(2), 2u);
  EXPECT_EQ(batch.RowEnd(2), 3u);
}

TEST(ExampleBatchBuilderTest, ANamespaceThatComesLateIsEmptyInTheRowsBefore) {
  ExampleBatchBuilder builder;
  builder.BeginRow(0, 1);
  builder.AddFeature(builder.Namespace("a"), 10, 1);
  builder.EndRow();
  builder.BeginRow(0, 1);
  builder.AddFeature(builder.Namespace("b"), 20, 1);
  builder.AddFeature(builder.Namespace("a"), 11, 1);
  builder.EndRow();
  const ExampleBatch batch = builder.View();
  EXPECT_THAT(batch.segment_sizes, ElementsAre(1, 0, 1, 1));
  EXPECT_THAT(batch.feature_ids, ElementsAre(10, 11, 20));
}

TEST(ExampleBatchBuilderTest, LeavesOutFeaturesOfValueZero) {
  ExampleBatchBuilder builder;
  builder.BeginRow(0, 1);
  builder.AddFeature(builder.Namespace("a"), 10, 0);
  builder.EndRow();
  EXPECT_EQ(builder.feature_count(), 0u);
  EXPECT_EQ(builder.row_count(), 1u);
  EXPECT_THAT(builder.View().segment_sizes, ElementsAre(0));
}

TEST(ExampleBatchBuilderTest, AnAbandonedRowLeavesNoTrace) {
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 1);
  builder.AddFeature(builder.Namespace("a"), 1, 1);
  builder.EndRow();
  builder.BeginRow(1, 5);
  builder.AddFeature(builder.Namespace("a"), 2, 3);
  EXPECT_EQ(builder.row_count(), 1u);
  builder.AbandonRow();
  builder.BeginRow(0, 1);
  builder.AddFeature(builder.Namespace("a"), 4, 1);
  builder.EndRow();

  const ExampleBatch batch = builder.View();
  EXPECT_THAT(batch.feature_ids, ElementsAre(1, 4));
  EXPECT_THAT(batch.labels, ElementsAre(1, 0));
  EXPECT_THAT(batch.values, IsEmpty());
  EXPECT_THAT(batch.weights, IsEmpty());
}

TEST(ExampleBatchBuilderTest, TheOpenRowIsNotInTheView) {
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 1);
  builder.EndRow();
  builder.BeginRow(0, 1);
  EXPECT_EQ(builder.View().size(), 1u);
  EXPECT_EQ(builder.View().labels.size(), 1u);
}

TEST(ExampleBatchBuilderTest, IsAsNewAfterClear) {
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 2);
  builder.AddFeature(builder.Namespace("a"), 1, 3);
  builder.EndRow();
  builder.Clear();
  EXPECT_EQ(builder.row_count(), 0u);
  EXPECT_EQ(builder.feature_count(), 0u);
  EXPECT_THAT(builder.namespaces(), IsEmpty());
  EXPECT_EQ(builder.Namespace("b"), 0u);
  builder.BeginRow(1, 1);
  builder.AddFeature(0, 1, 1);
  builder.EndRow();
  EXPECT_THAT(builder.View().values, IsEmpty());
  EXPECT_THAT(builder.View().weights, IsEmpty());
  EXPECT_THAT(builder.View().namespace_hashes, ElementsAre(HashNamespace("b")));
}

TEST(ExampleBatchBuilderTest, ARemovedRowLeavesTheOthersAsTheyWere) {
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 1);
  builder.AddFeature(builder.Namespace("a"), 7, 0.5f);
  builder.EndRow();
  builder.BeginRow(2, 3);
  builder.AddFeature(builder.Namespace("b"), 8, 2);
  builder.AddFeature(builder.Namespace("a"), 9, 1);
  builder.EndRow();
  builder.RemoveLastRow();
  builder.BeginRow(3, 1);
  builder.AddFeature(builder.Namespace("b"), 10, 1);
  builder.EndRow();
  const ExampleBatch view = builder.View();
  const auto list = [](auto column) { return std::vector(column.begin(), column.end()); };
  EXPECT_EQ(list(view.labels), (std::vector<float>{1, 3}));
  EXPECT_EQ(list(view.row_ends), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(list(view.feature_ids), (std::vector<uint32_t>{7, 10}));
  EXPECT_EQ(list(view.values), (std::vector<float>{0.5f, 1}));
  EXPECT_EQ(list(view.segment_sizes), (std::vector<uint32_t>{1, 0, 0, 1}));
}

// The namespaces of bad rows used to pile up in the batch, until the server refused it.
TEST(ExampleBatchBuilderTest, RowsThatAreDroppedTakeTheirNamespacesWithThem) {
  ExampleBatchBuilder builder;
  const auto add_row = [&builder](std::string_view name, uint32_t id) {
    builder.BeginRow(1, 1);
    builder.AddFeature(builder.Namespace("a"), id, 1);
    builder.AddFeature(builder.Namespace(name), id + 1, 1);
  };
  add_row("b", 1);
  builder.EndRow();
  for (uint32_t i = 0; i < 40; ++i) {
    add_row("dropped" + std::to_string(i), 100);
    if (i % 2 == 0) {
      builder.AbandonRow();
    } else {
      builder.EndRow();
      builder.RemoveLastRow();
    }
    EXPECT_THAT(builder.namespaces(), ElementsAre("a", "b"));
  }
  add_row("dropped7", 3);
  builder.EndRow();
  EXPECT_THAT(builder.namespaces(), ElementsAre("a", "b", "dropped7"));
  EXPECT_THAT(builder.View().feature_ids, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(builder.View().segment_sizes, ElementsAre(1, 1, 0, 1, 0, 1));
}

TEST(ExampleBatchBuilderTest, MovesARowToAnotherBatch) {
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 1);
  builder.AddFeature(builder.Namespace("a"), 7, 1);
  builder.EndRow();
  builder.BeginRow(2, 3);
  builder.AddFeature(builder.Namespace("b"), 8, 2);
  builder.Namespace("empty");
  builder.AddFeature(builder.Namespace("c"), 9, 0.5f);
  builder.EndRow();
  ExampleBatchBuilder other;
  builder.MoveLastRowTo(other);
  EXPECT_EQ(builder.row_count(), 1u);
  EXPECT_THAT(builder.namespaces(), ElementsAre("a"));
  EXPECT_THAT(builder.View().feature_ids, ElementsAre(7));
  EXPECT_THAT(other.namespaces(), ElementsAre("b", "c"));
  const ExampleBatch row = other.View();
  EXPECT_THAT(row.labels, ElementsAre(2));
  EXPECT_THAT(row.weights, ElementsAre(3));
  EXPECT_THAT(row.feature_ids, ElementsAre(8, 9));
  EXPECT_THAT(row.values, ElementsAre(2, 0.5f));
  EXPECT_THAT(row.segment_sizes, ElementsAre(1, 1));
}

}  // namespace
}  // namespace freshet
