#include "core/model/weight_table.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

struct alignas(8) Pair {
  float first;
  float second;
};
struct alignas(64) Wide {
  float numbers[16];
};

template <typename Slot>
Slot SlotOf(float number) {
  Slot slot{};
  reinterpret_cast<float&>(slot) = number;
  return slot;
}
template <typename Slot>
float NumberIn(const Slot& slot) {
  return reinterpret_cast<const float&>(slot);
}

template <typename Slot>
WeightTable<Slot> Make(int bits) {
  auto table = WeightTable<Slot>::Create(bits);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

ExampleBatch RowOf(const std::vector<uint32_t>& ids, const uint32_t& end) {
  return {.row_ends = {&end, 1},
          .labels = {},
          .weights = {},
          .feature_ids = ids,
          .values = {},
          .namespace_hashes = {},
          .segment_sizes = {}};
}

// Stores `number` into the slots of these ids, as a learner does. True if slots have moved.
template <typename Slot>
bool Put(WeightTable<Slot>& table, const std::vector<uint32_t>& ids, float number) {
  const auto end = static_cast<uint32_t>(ids.size());
  typename WeightTable<Slot>::Placed placed(RowOf(ids, end));
  const bool moved = table.Place(placed);
  for (const uint32_t id : placed.batch().feature_ids) {
    table.Store(table.IndexOf(id), SlotOf<Slot>(number));
  }
  return moved;
}

template <typename Slot>
std::vector<std::byte> StateOf(const WeightTable<Slot>& table, StateForm form) {
  StateWriter writer(form);
  table.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

template <typename Slot>
class WeightTableTest : public testing::Test {
 protected:
  static constexpr bool kIsWide = sizeof(Slot) == 64;
  static constexpr int kBits = 16;
  // The number of used slots from which on a table of 2^kBits slots is stored by number.
  static constexpr uint32_t kMany = (1U << kBits) / (kIsWide ? 3 : 16);
};

using SlotTypes = testing::Types<Pair, Wide>;
TYPED_TEST_SUITE(WeightTableTest, SlotTypes);

TYPED_TEST(WeightTableTest, IsStoredByNumberIfItIsSmallOrHoldsMuch) {
  EXPECT_TRUE(Make<TypeParam>(10).is_stored_by_number());
  auto table = Make<TypeParam>(this->kBits);
  EXPECT_FALSE(table.is_stored_by_number());
  for (uint32_t i = 0; i + 1 < this->kMany; ++i) {
    ASSERT_FALSE(Put(table, {i * 0x9e3779b1U}, 1));
  }
  EXPECT_FALSE(table.is_stored_by_number());
  EXPECT_EQ(table.CountUsed(), this->kMany - 1);
  EXPECT_TRUE(Put(table, {(this->kMany - 1) * 0x9e3779b1U}, 1));
  EXPECT_TRUE(table.is_stored_by_number());
  EXPECT_EQ(table.CountUsed(), this->kMany);
}

// The slots and the saved bytes, compared with a plain map, while the table goes through all ways
// in which slots are stored, and forgets.
TYPED_TEST(WeightTableTest, HoldsTheSameHoweverSlotsAreStored) {
  std::mt19937 random(5);
  auto table = Make<TypeParam>(this->kBits);
  auto other = Make<TypeParam>(this->kBits);  // Stored by number, once it has held everything.
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < 1U << this->kBits; ++i) all.push_back(i);
  Put(other, all, 1);
  Put(other, {0}, 1);
  ASSERT_TRUE(other.is_stored_by_number());
  const auto keep_none = [](const TypeParam& /*slot*/) { return false; };
  other.Forget(all, keep_none);
  ASSERT_EQ(other.CountUsed(), 0u);

  std::map<uint32_t, float> expected;
  for (int step = 1; !table.is_stored_by_number(); ++step) {
    ASSERT_LT(step, 10'000);
    std::vector<uint32_t> ids(40);
    for (uint32_t& id : ids) id = static_cast<uint32_t>(random());
    if (step % 10 == 0) ids.assign(5, 0);
    Put(table, ids, static_cast<float>(step));
    Put(other, ids, static_cast<float>(step));
    for (const uint32_t id : ids) expected[id % table.slot_count()] = static_cast<float>(step);
    if (step == 60) {  // Most of it, so that places are given anew.
      std::vector<uint32_t> numbers;
      for (const auto& [number, value] : expected) {
        if (number % 4 != 0) numbers.push_back(number);
      }
      numbers.push_back(1);
      EXPECT_TRUE(table.Forget(numbers, keep_none));
      other.Forget(numbers, keep_none);
      for (const uint32_t number : numbers) expected.erase(number);
    }
    if (step % 100 != 60 && !table.is_stored_by_number()) continue;
    ASSERT_EQ(table.CountUsed(), expected.size());
    for (const auto& [number, value] : expected) {
      ASSERT_EQ(NumberIn(table.Read().Load(number)), value);
    }
    const uint32_t absent = 77;
    if (!expected.contains(absent)) {
      EXPECT_EQ(NumberIn(table.Read().Load(absent)), 0);
    }
    for (const StateForm form : {StateForm::kCompact, StateForm::kDigest}) {
      const std::vector<std::byte> state = StateOf(table, form);
      ASSERT_EQ(state, StateOf(other, form));
      auto loaded = Make<TypeParam>(this->kBits);
      StateReader reader(state);
      ASSERT_TRUE(loaded.LoadState(reader, [](const TypeParam& /*slot*/) { return true; }).ok());
      EXPECT_EQ(reader.remaining_bytes(), 0u);
      EXPECT_EQ(StateOf(loaded, form), state);
      EXPECT_EQ(loaded.is_stored_by_number(), table.is_stored_by_number());
    }
  }
  EXPECT_GE(expected.size() + 1, this->kMany / 2);
}

TYPED_TEST(WeightTableTest, RowsOfWeightZeroTakeNoPlace) {
  auto table = Make<TypeParam>(this->kBits);
  const std::vector<uint32_t> ids = {1, 2, 3};
  const uint32_t end = 3;
  ExampleBatch batch = RowOf(ids, end);
  const float weight = 0;
  batch.weights = {&weight, 1};
  typename WeightTable<TypeParam>::Placed placed(batch);
  EXPECT_FALSE(table.Place(placed));
  for (const uint32_t id : placed.batch().feature_ids) EXPECT_EQ(table.IndexOf(id), 0u);
  EXPECT_EQ(table.CountUsed(), 0u);
}

}  // namespace
}  // namespace freshet
