#include "server/runtime/producer_table.h"

#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

std::string BytesOf(const ProducerTable& table) {
  StateWriter writer;
  table.SaveState(writer);
  std::string bytes;
  for (const auto chunk : writer.Chunks()) {
    bytes.append(reinterpret_cast<const char*>(chunk.data()), chunk.size());
  }
  return bytes;
}

TEST(ProducerTableTest, ForgetsTheProducerWhoseLastBatchIsOldest) {
  ProducerTable table(2);
  table.Set("a", {.sequence = 1, .offset = 1});
  table.Set("b", {.sequence = 1, .offset = 2});
  table.Set("a", {.sequence = 2, .offset = 3});
  table.Set("c", {.sequence = 1, .offset = 4});
  EXPECT_FALSE(table.Find("b").has_value());
  ASSERT_TRUE(table.Find("a").has_value());
  EXPECT_EQ(table.Find("a")->sequence, 2U);
  EXPECT_EQ(table.size(), 2U);
}

TEST(ProducerTableTest, StateComesBackAndAgesAsBefore) {
  ProducerTable table(2);
  table.Set("a", {.sequence = 7, .offset = 1});
  table.Set("b", {.sequence = 9, .offset = 5});
  const std::string bytes = BytesOf(table);
  ProducerTable loaded(2);
  StateReader reader(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(loaded.LoadState(reader).ok());
  EXPECT_EQ(BytesOf(loaded), bytes);
  loaded.Set("c", {.sequence = 1, .offset = 6});
  EXPECT_FALSE(loaded.Find("a").has_value());
  EXPECT_EQ(loaded.Find("b")->sequence, 9U);
}

TEST(ProducerTableTest, CutBytesAreDataLoss) {
  ProducerTable table;
  table.Set("producer", {.sequence = 7, .offset = 1});
  const std::string bytes = BytesOf(table);
  for (size_t size = 0; size < bytes.size(); ++size) {
    ProducerTable loaded;
    StateReader reader(std::as_bytes(std::span(bytes)).first(size));
    EXPECT_FALSE(loaded.LoadState(reader).ok()) << size;
  }
}

}  // namespace
}  // namespace freshet
