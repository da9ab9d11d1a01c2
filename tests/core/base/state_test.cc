#include "core/base/state.h"

#include <cstdint>
#include <span>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

std::vector<std::byte> BytesOf(const StateWriter& writer) {
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

TEST(StateTest, ReadsBackWhatWasWritten) {
  StateWriter writer;
  writer.WriteValue(uint32_t{7});
  writer.WriteValue(-2.5);
  writer.WriteValue(uint8_t{9});
  EXPECT_EQ(writer.size_bytes(), 13u);

  const std::vector<std::byte> bytes = BytesOf(writer);
  StateReader reader(bytes);
  EXPECT_EQ(reader.ReadValue<uint32_t>(), 7u);
  EXPECT_EQ(reader.ReadValue<double>(), -2.5);
  EXPECT_EQ(reader.ReadValue<uint8_t>(), 9);
  EXPECT_EQ(reader.remaining_bytes(), 0u);
  EXPECT_TRUE(reader.status().ok());
}

TEST(StateTest, KeepsTheOrderOverManyChunks) {
  StateWriter writer;
  constexpr uint32_t kCount = 1'000'003;
  for (uint32_t i = 0; i < kCount; ++i) writer.WriteValue(i);
  EXPECT_EQ(writer.size_bytes(), 4u * kCount);

  const std::vector<std::byte> bytes = BytesOf(writer);
  ASSERT_EQ(bytes.size(), 4u * kCount);
  StateReader reader(bytes);
  for (uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(reader.ReadValue<uint32_t>(), i);
}

TEST(StateTest, OneWriteMayBeLargerThanAChunk) {
  const std::vector<std::byte> large(5'000'000, std::byte{42});
  StateWriter writer;
  writer.WriteValue(uint8_t{1});
  writer.Write(large);
  const std::vector<std::byte> bytes = BytesOf(writer);
  ASSERT_EQ(bytes.size(), large.size() + 1);
  EXPECT_TRUE(std::equal(large.begin(), large.end(), bytes.begin() + 1));
}

// A large state gets chunks of another size.
TEST(StateTest, KeepsTheOrderOfALargeState) {
  constexpr uint32_t kBlocks = 24;
  StateWriter writer;
  for (uint32_t block = 0; block < kBlocks; ++block) {
    const std::vector<uint32_t> numbers(1'000'001, block);
    writer.Write(std::as_bytes(std::span(numbers)));
  }
  EXPECT_EQ(writer.size_bytes(), uint64_t{kBlocks} * 4'000'004);
  EXPECT_GT(writer.Chunks().size(), 4u);
  const std::vector<std::byte> bytes = BytesOf(writer);
  ASSERT_EQ(bytes.size(), writer.size_bytes());
  StateReader reader(bytes);
  for (uint32_t block = 0; block < kBlocks; ++block) {
    for (int i = 0; i < 1'000'001; ++i) ASSERT_EQ(reader.ReadValue<uint32_t>(), block);
  }
}

TEST(StateTest, AReadPastTheEndFailsForGood) {
  const std::vector<std::byte> bytes(6, std::byte{1});
  StateReader reader(bytes);
  EXPECT_EQ(reader.ReadValue<uint32_t>(), 0x01010101u);
  EXPECT_EQ(reader.ReadValue<uint32_t>(), 0u);
  EXPECT_EQ(reader.ReadValue<uint8_t>(), 0);
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kDataLoss);
}

TEST(StateTest, AnEmptyReadAtTheEndIsFine) {
  StateReader reader({});
  EXPECT_TRUE(reader.Read({}));
  EXPECT_TRUE(reader.status().ok());
}

TEST(StateTest, WhatIsReadPastTheEndIsNotCalledDamaged) {
  const std::vector<std::byte> bytes(6, std::byte{1});
  StateReader reader(bytes);
  reader.ReadValue<uint32_t>();
  EXPECT_EQ(
      reader.Damaged("the count is out of range").message(),
      "the count is out of range, so the file is damaged or another version wrote it; restore "
      "an older snapshot");
  EXPECT_TRUE(reader.status().ok());
  reader.ReadValue<uint32_t>();
  EXPECT_EQ(reader.Damaged("the count is out of range"), reader.status());
  EXPECT_TRUE(absl::IsDataLoss(reader.status()));
}

}  // namespace
}  // namespace freshet
