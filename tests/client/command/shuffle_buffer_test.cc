#include "client/command/shuffle_buffer.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "client/command/row_positions.h"
#include "client/example.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

constexpr uint32_t kRows = 50;

Example RowNumber(uint32_t number) {
  Example example;
  example.label = static_cast<float>(number);
  example.weight = 2;
  // Rows differ in the namespaces that they have, and in their order.
  if (number % 2 == 0) example.AddId("even", number, 0.5f);
  example.AddId("all", 1000 + number);
  if (number % 2 == 1) example.AddId("odd", number);
  return example;
}

// The labels in the order in which the buffer returned them.
std::vector<float> Shuffled(uint64_t seed, ExampleBatchBuilder* out) {
  ShuffleBuffer buffer(seed);
  for (uint32_t i = 0; i < kRows; ++i) {
    ExampleBatchBuilder row;
    RowNumber(i).AppendTo(&row);
    buffer.Add(row, {0, i + 1});
  }
  while (buffer.size() > 0) {
    const RowPosition position = buffer.Take(out);
    EXPECT_EQ(static_cast<float>(position.line - 1), out->View().labels.back());
  }
  const auto labels = out->View().labels;
  return {labels.begin(), labels.end()};
}

TEST(ShuffleBufferTest, GivesOutEveryRowAsItWas) {
  ExampleBatchBuilder out;
  const std::vector<float> order = Shuffled(1, &out);
  const ExampleBatch view = out.View();
  std::map<std::string, size_t> names;
  for (size_t i = 0; i < out.namespaces().size(); ++i) names[out.namespaces()[i]] = i;
  ASSERT_EQ(names.size(), 3u);
  for (size_t r = 0; r < view.size(); ++r) {
    const auto number = static_cast<uint32_t>(order[r]);
    const std::string parity = number % 2 == 0 ? "even" : "odd";
    EXPECT_EQ(view.Weight(r), 2);
    EXPECT_EQ(view.segment_sizes[r * 3 + names[parity]], 1u);
    EXPECT_EQ(view.segment_sizes[r * 3 + names["all"]], 1u);
    const auto ids = view.feature_ids.subspan(view.RowBegin(r), 2);
    EXPECT_NE(std::find(ids.begin(), ids.end(), number), ids.end());
    EXPECT_NE(std::find(ids.begin(), ids.end(), 1000 + number), ids.end());
  }
  std::vector<float> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  for (uint32_t i = 0; i < kRows; ++i) EXPECT_EQ(sorted[i], static_cast<float>(i));
}

TEST(ShuffleBufferTest, TheSeedAloneSetsTheOrder) {
  ExampleBatchBuilder first;
  ExampleBatchBuilder again;
  ExampleBatchBuilder other;
  const std::vector<float> order = Shuffled(1, &first);
  EXPECT_EQ(Shuffled(1, &again), order);
  EXPECT_NE(Shuffled(2, &other), order);
}

TEST(RowPositionsTest, NamesFileAndLine) {
  RowPositions positions(100);
  const uint32_t a = positions.PathIndex("a.vw");
  const uint32_t b = positions.PathIndex("-");
  EXPECT_EQ(positions.PathIndex("a.vw"), a);
  positions.Add({{a, 1}, {a, 3}});
  positions.Add({{b, 7}});
  EXPECT_EQ(positions.Describe(1), "a.vw:3");
  EXPECT_EQ(positions.Describe(2), "stdin:7");
  EXPECT_EQ(positions.Describe(3), "row 4");
}

TEST(RowPositionsTest, ForgetsWhatIsLongAgo) {
  RowPositions positions(10);
  for (uint64_t i = 0; i < 100; ++i) positions.Add({{positions.PathIndex("a"), i + 1}});
  EXPECT_EQ(positions.Describe(0), "row 1");
  EXPECT_EQ(positions.Describe(99), "a:100");
  EXPECT_EQ(positions.Describe(90), "a:91");
}

}  // namespace
}  // namespace freshet
