#include "core/model/gathered_slots.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include "core/base/float4.h"
#include "core/model/weight_table.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

struct alignas(8) TwoNumbers {
  float first;
  float second;
};
struct alignas(16) FourNumbers {
  float first;
  float second;
  float third;
  float fourth;
};

template <typename Slot>
class GatheredSlotsTest : public testing::Test {
 protected:
  // Slot i holds i in each of its numbers.
  GatheredSlotsTest() : table_(*WeightTable<Slot>::Create(10)) {
    for (uint32_t i = 0; i < table_.slot_count(); ++i) {
      table_.Store(i, Filled(static_cast<float>(i)));
    }
  }

  using Numbers = std::array<float, std::tuple_size_v<FourSlots<Slot>>>;

  static Slot Filled(float number) {
    Numbers numbers;
    numbers.fill(number);
    return std::bit_cast<Slot>(numbers);
  }

  // The numbers of a slot.
  std::vector<float> At(uint32_t index) const {
    const auto numbers = std::bit_cast<Numbers>(table_.Read().Load(index));
    return {numbers.begin(), numbers.end()};
  }

  // Gathers the slots of `ids`, adds 0.5 to every number and puts the slots back. Returns how many
  // PutBack() has stored.
  size_t AddHalf(const std::vector<uint32_t>& ids, bool heads_only) {
    gathered_.Resize(ids.size());
    std::vector<FourSlots<Slot>> whole((ids.size() + 3) / 4);
    std::vector<FourHeads<Slot>> heads(whole.size());
    for (size_t i = 0; i < ids.size(); i += 4) {
      auto numbers = Transposed(gathered_.Gather(table_.slots(), ids.data(), ids.size(), i));
      for (Float4& number : numbers) number += 0.5f;
      whole[i / 4] = TransposedBack(numbers);
      heads[i / 4] = HeadsOf<Slot>(numbers);
    }
    return heads_only
               ? gathered_.PutBackHeads(table_.slots(), ids.data(), 0, ids.size(), heads.data())
               : gathered_.PutBack(table_.slots(), ids.data(), 0, ids.size(), whole.data());
  }

  WeightTable<Slot> table_;
  GatheredSlots<Slot> gathered_;
};

using Slots = testing::Types<float, TwoNumbers, FourNumbers>;
TYPED_TEST_SUITE(GatheredSlotsTest, Slots);

TYPED_TEST(GatheredSlotsTest, PutsBackWhatWasChanged) {
  for (uint32_t size = 0; size < 10; ++size) {
    std::vector<uint32_t> ids;
    for (uint32_t i = 0; i < size; ++i) ids.push_back(100 * size + 7 * i);
    ASSERT_EQ(this->AddHalf(ids, /*heads_only=*/false), size);
    for (const uint32_t id : ids) {
      for (const float number : this->At(id)) ASSERT_EQ(number, static_cast<float>(id) + 0.5f);
    }
  }
}

TYPED_TEST(GatheredSlotsTest, PutsBackFirstWordsAlone) {
  ASSERT_EQ(this->AddHalf({5, 9, 2, 8, 3}, /*heads_only=*/true), 5);
  for (const uint32_t id : {5, 9, 2, 8, 3}) {
    const std::vector<float> numbers = this->At(id);
    for (size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_EQ(numbers[i], static_cast<float>(id) + (i < 2 ? 0.5f : 0.0f));
    }
  }
}

TYPED_TEST(GatheredSlotsTest, StopsWhereASlotOccursAgainAndTakesBack) {
  for (const bool heads_only : {false, true}) {
    // A slot recurs by the same id, or by another id that shares it; always in last place.
    for (const std::vector<uint32_t>& ids :
         {std::vector<uint32_t>{5, 9, 5}, {1, 2, 3, 4, 5, 1}, {7, 8, 9, 7 + 1024}}) {
      const size_t count = this->AddHalf(ids, heads_only);
      ASSERT_EQ(count, ids.size() - 1);
      ASSERT_EQ(this->At(ids[0])[0], static_cast<float>(ids[0]) + 0.5f);
      this->gathered_.TakeBack(this->table_.slots(), ids.data(), count);
      for (const uint32_t id : ids) {
        for (const float number : this->At(id % 1024)) {
          ASSERT_EQ(number, static_cast<float>(id % 1024));
        }
      }
    }
  }
}

}  // namespace
}  // namespace freshet
