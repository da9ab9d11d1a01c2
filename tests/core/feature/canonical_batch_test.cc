#include "core/feature/canonical_batch.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/feature/hash.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The columns of a batch, owned by a test; segment_sizes has a number per row and namespace.
struct Columns {
  std::vector<std::string> names;
  std::vector<uint32_t> hashes;
  std::vector<uint32_t> row_ends;
  std::vector<uint32_t> ids;
  std::vector<float> values;
  std::vector<uint32_t> sizes;

  ExampleBatch View() const {
    return {.row_ends = row_ends,
            .labels = {},
            .weights = {},
            .feature_ids = ids,
            .values = values,
            .namespace_hashes = hashes,
            .segment_sizes = sizes};
  }
  std::vector<std::string_view> Names() const { return {names.begin(), names.end()}; }
};

TEST(CanonicalBatchTest, NamespacesRiseByHashAndZerosAreGone) {
  const Columns columns{.names = {"c", "a", "b"},
                        .hashes = {30, 10, 20},
                        .row_ends = {4, 6},
                        .ids = {1, 2, 3, 4, 5, 6},
                        .values = {0.5f, 1, 0, 2, -0.0f, 3},
                        .sizes = {1, 2, 1, 1, 0, 1}};
  EXPECT_FALSE(IsCanonical(columns.View()));
  CanonicalBatch canonical;
  const ExampleBatch built = canonical.Build(columns.View(), columns.Names());
  EXPECT_THAT(built.namespace_hashes, ElementsAre(10, 20, 30));
  EXPECT_THAT(built.feature_ids, ElementsAre(2, 4, 1, 6));
  EXPECT_THAT(built.values, ElementsAre(1, 2, 0.5f, 3));
  EXPECT_THAT(built.segment_sizes, ElementsAre(1, 1, 1, 0, 1, 0));
  EXPECT_THAT(built.row_ends, ElementsAre(3, 4));
  EXPECT_TRUE(IsCanonical(built));
}

TEST(CanonicalBatchTest, RowsOfOneShapeKeepOneShape) {
  const Columns columns{.names = {"b", "a"},
                        .hashes = {20, 10},
                        .row_ends = {3, 6},
                        .ids = {1, 2, 3, 4, 5, 6},
                        .values = {},
                        .sizes = {1, 2}};
  CanonicalBatch canonical;
  const ExampleBatch built = canonical.Build(columns.View(), columns.Names());
  EXPECT_THAT(built.feature_ids, ElementsAre(2, 3, 1, 5, 6, 4));
  EXPECT_THAT(built.values, IsEmpty());
  EXPECT_THAT(built.segment_sizes, ElementsAre(2, 1));
  EXPECT_THAT(built.row_ends, ElementsAre(3, 6));
}

// The default namespace and "0" have the same hash, so their features have the same ids.
TEST(CanonicalBatchTest, NamespacesOfOneHashAreOneInTheOrderOfTheirNames) {
  ASSERT_EQ(HashNamespace(""), HashNamespace("0"));
  const Columns columns{.names = {"0", "z", ""},
                        .hashes = {0, 9, 0},
                        .row_ends = {4, 5},
                        .ids = {1, 2, 3, 4, 5},
                        .values = {},
                        .sizes = {2, 1, 1, 1, 0, 0}};
  EXPECT_FALSE(IsCanonical(columns.View()));
  CanonicalBatch canonical;
  const ExampleBatch built = canonical.Build(columns.View(), columns.Names());
  EXPECT_THAT(built.namespace_hashes, ElementsAre(0, 9));
  EXPECT_THAT(built.feature_ids, ElementsAre(4, 1, 2, 3, 5));
  EXPECT_THAT(built.segment_sizes, ElementsAre(3, 1, 1, 0));
  EXPECT_THAT(canonical.order().places, ElementsAre(0, 1, 0));
}

TEST(CanonicalBatchTest, ABatchInOrderIsFoundToBe) {
  Columns columns{.names = {"a", "b"},
                  .hashes = {1, 2},
                  .row_ends = {2},
                  .ids = {1, 2},
                  .values = {1, 2},
                  .sizes = {1, 1}};
  EXPECT_TRUE(IsCanonical(columns.View()));
  columns.values[1] = 0;
  EXPECT_FALSE(IsCanonical(columns.View()));
  columns.values[1] = 1;
  columns.hashes[1] = 1;
  EXPECT_FALSE(IsCanonical(columns.View())) << "two namespaces of one hash are one";
  EXPECT_TRUE(IsCanonical(ExampleBatch()));
}

// The features of each row of a view, with their namespace's hash.
using Rows = std::vector<std::vector<std::tuple<uint32_t, uint32_t, float>>>;
Rows RowsOf(const ExampleBatch& batch) {
  Rows rows(batch.size());
  const size_t count = batch.namespace_hashes.size();
  const bool shared = batch.segment_sizes.size() == count;
  for (size_t row = 0; row < batch.size(); ++row) {
    size_t feature = batch.RowBegin(row);
    for (size_t i = 0; i < count; ++i) {
      for (uint32_t k = batch.segment_sizes[(shared ? 0 : row * count) + i]; k > 0; --k) {
        rows[row].emplace_back(batch.namespace_hashes[i], batch.feature_ids[feature],
                               batch.values.empty() ? 1.0f : batch.values[feature]);
        ++feature;
      }
    }
    EXPECT_EQ(feature, batch.RowEnd(row));
  }
  return rows;
}

// Compares with the definition: a stable sort by hash of the features whose value is not 0.
TEST(CanonicalBatchTest, RandomBatchesAreAsTheDefinitionSays) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    Columns columns;
    const size_t count = 1 + random() % 5;
    for (size_t i = 0; i < count; ++i) {
      columns.hashes.push_back(static_cast<uint32_t>(100 * random() + i));  // No two alike.
      columns.names.push_back(std::to_string(i));
    }
    const size_t rows = 1 + random() % 4;
    const bool shared = random() % 2 == 0;
    for (size_t i = 0; i < (shared ? count : rows * count); ++i) {
      columns.sizes.push_back(random() % 3);
    }
    for (size_t row = 0; row < rows; ++row) {
      for (size_t i = 0; i < count; ++i) {
        for (uint32_t k = columns.sizes[(shared ? 0 : row * count) + i]; k > 0; --k) {
          columns.ids.push_back(static_cast<uint32_t>(random()));
        }
      }
      columns.row_ends.push_back(static_cast<uint32_t>(columns.ids.size()));
    }
    if (random() % 2 == 0) {
      for (size_t i = 0; i < columns.ids.size(); ++i) {
        columns.values.push_back(static_cast<float>(random() % 3));
      }
    }
    Rows expected = RowsOf(columns.View());
    for (auto& row : expected) {
      std::erase_if(row, [](const auto& feature) { return std::get<2>(feature) == 0; });
      std::stable_sort(row.begin(), row.end(), [](const auto& a, const auto& b) {
        return std::get<0>(a) < std::get<0>(b);
      });
    }
    CanonicalBatch canonical;
    const ExampleBatch built = canonical.Build(columns.View(), columns.Names());
    EXPECT_EQ(RowsOf(built), expected) << "round " << round;
    EXPECT_TRUE(IsCanonical(built));
  }
}

}  // namespace
}  // namespace freshet
